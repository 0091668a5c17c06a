# Makes buckets, as root; one that is there stays as it is. From the environment: BUCKETS, and rclone's remote `store`.
set -eu
for bucket in $BUCKETS; do
  rclone mkdir "store:$bucket"
done
echo "buckets: $BUCKETS"
