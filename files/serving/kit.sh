# Unpacks a ModelKit into $WORK. Reads MODELKIT_REF, and PUSH: how it gets into its registry; arguments: kit's entry
# point. What a registry says of a ModelKit that it does not have: kitops pkg/lib/filesystem/unpack/store.go, and
# oras-go registry/remote/errcode/errors.go of what is missing while it is read.
export UNPACK_PATH="$WORK"
{ "$@" 2>&1; echo $? >"$HOME/code"; } | tee "$HOME/said"
code=$(cat "$HOME/code")
[ "$code" -ne 0 ] || exit 0
if grep -q -e 'could not be found in remote' -e 'manifest unknown' -e 'name unknown' "$HOME/said"; then
  echo "the registry has no $MODELKIT_REF; push it there first, then apply again: $PUSH" >&2
  exit 65
fi
exit "$code"
