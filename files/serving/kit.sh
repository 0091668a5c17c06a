# Unpacks a ModelKit into $WORK. Reads MODELKIT_REF, PUSH: how it gets into its registry, and OTHERS, where that is not
# the cluster's own; arguments: kit's entry point. What a registry says of a ModelKit that it does not have: kitops
# pkg/lib/filesystem/unpack/store.go, and oras-go registry/remote/errcode/errors.go of what is missing while it is
# read, or refused; without an account oras-go registry/remote/auth/client.go, and Go of a CA that nobody knows.
export UNPACK_PATH="$WORK"
{ "$@" 2>&1; echo $? >"$HOME/code"; } | tee "$HOME/said"
code=$(cat "$HOME/code")
[ "$code" -ne 0 ] || exit 0
if grep -q -e 'could not be found in remote' -e 'manifest unknown' -e 'name unknown' "$HOME/said"; then
  echo "the registry has no $MODELKIT_REF; push it there first, then apply again: $PUSH" >&2
  exit 65
fi
if [ -n "${OTHERS:-}" ]; then
  if grep -q -e 'response status code 40[13]' -e 'basic credential not found' "$HOME/said"; then
    echo "the registry does not give $MODELKIT_REF to this account; look at models[].source.credentials" >&2
    exit 65
  fi
  if grep -q 'x509: certificate signed by unknown authority' "$HOME/said"; then
    echo "who signed the registry's certificate is not known here; name the CA as models[].source.ca" >&2
    exit 65
  fi
fi
exit "$code"
