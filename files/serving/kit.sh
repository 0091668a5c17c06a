# Pulls a ModelKit beside what becomes of it in $WORK, then unpacks it there. Reads MODELKIT_REF, PUSH: how it gets into
# its registry, and OTHERS, where that is not the cluster's own; arguments: flags for both. `kit unpack` alone keeps
# nothing of what it reads (kitops pkg/cmd/unpack/unpack.go); `kit pull` keeps layers, and parts of them where the
# registry gives ranges (pkg/lib/repo/local/pull.go), and has no filter. What it says of what a registry does not have:
# pkg/cmd/pull/pull.go, and oras-go registry/remote: errcode/errors.go, auth/client.go; and Go of an unknown CA.
export KITOPS_HOME="$WORK/.kit"
# where a registry gives no ranges, what a killed pull leaves has a number behind its digest, and is of no use
rm -f "$KITOPS_HOME"/storage/ingest/*_*
{ kit pull "$MODELKIT_REF" "$@" 2>&1; echo $? >"$HOME/code"; } | tee "$HOME/said"
code=$(cat "$HOME/code")
if [ "$code" -eq 0 ]; then
  # what an interrupted unpacking left may be half a file
  find "$WORK" -mindepth 1 -maxdepth 1 ! -name .kit -exec rm -rf {} + &&
    kit unpack "$MODELKIT_REF" --dir="$WORK" --filter=model "$@" && rm -rf "$KITOPS_HOME"
  exit
fi
# a part that is wrong would be gone on from for ever
if grep -q 'hash does not match descriptor' "$HOME/said"; then rm -rf "$KITOPS_HOME/storage/ingest"; fi
if grep -q -e 'failed to fetch.*: not found' -e 'manifest unknown' -e 'name unknown' "$HOME/said"; then
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
