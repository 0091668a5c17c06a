# A model's files in a folder: whether they are all there. Reads DUMMY: with random weights none are needed.
mark=.slipway
fail() {
  echo "$*" >&2
  exit 1
}
# what another try does not mend: the Job ends at once (populate.py, podFailurePolicy)
final() {
  echo "$*" >&2
  exit 65
}
listed() {
  (cd "$1" && find . -type f ! -name "$mark*" ! -path './.cache/*' | LC_ALL=C sort | while read -r name; do
    echo "$(wc -c <"$name" | tr -d ' ') $name"
  done)
}
any() { [ -n "$(cd "$1" && find . -maxdepth 1 -name "$2" | head -n 1)" ]; }
lacking() {
  # what a folder lacks to be a model's; nothing when it lacks nothing. For GGUF vLLM wants a plugin, and one file
  ! any "$1" '*.gguf' || gguf=' (its GGUF is not served)'
  any "$1" config.json || any "$1" params.json || { echo "config.json${gguf:-}"; return; }
  any "$1" 'tokenizer*' || any "$1" 'tekken*' || any "$1" 'vocab*' || { echo "a tokenizer${gguf:-}"; return; }
  [ -z "${DUMMY:-}" ] || return 0
  any "$1" '*.safetensors' || any "$1" '*.bin' || any "$1" '*.pt' || { echo "weights${gguf:-}"; return; }
  for index in "$1"/*.safetensors.index.json; do
    [ -f "$index" ] || continue
    grep -o '"[^"/]*\.safetensors"' "$index" | tr -d '"' | sort -u | while read -r shard; do
      [ -s "$1/$shard" ] || { echo "$shard, which ${index##*/} names"; break; }
    done
  done
}
