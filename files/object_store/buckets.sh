# Makes buckets, and a user who may use these and nothing else; run again, it changes nothing.
# From the environment: MC_HOST_store, how mc reaches the store as root; ACCESS_KEY, SECRET_KEY; BUCKETS.
set -eu
for bucket in $BUCKETS; do
  mc mb --quiet --ignore-existing "store/$bucket"
done
# on standard input: an argument could be read by everyone on the host
printf '%s\n%s\n' "$ACCESS_KEY" "$SECRET_KEY" | mc admin user add --quiet store
mc admin policy create --quiet store "$POLICY" /config/policy.json
said=$(mc admin policy attach --quiet store "$POLICY" --user "$ACCESS_KEY" 2>&1) || case $said in
  *"already in effect"*) ;;
  *) printf '%s\n' "$said" >&2; exit 1 ;;
esac
echo "buckets: $BUCKETS"
