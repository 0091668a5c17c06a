# Fetches a model's files into $VOLUME/$KEY, all or nothing: until they are whole they lie beside it. Runs again
# after any interruption. Reads KEY, VERSION, VOLUME, NEED_KIB, and perhaps CHECKSUM, DUMMY; arguments: what
# fetches into $WORK, and goes on there from what came before.
whole=$VOLUME/$KEY
export WORK=$VOLUME/.incoming-$KEY
free() { df -Pk "$VOLUME" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4; }
gib() { echo "$(($1 / 1048576)).$(($1 % 1048576 * 10 / 1048576)) GiB"; }
room() { echo $(($(free) + $(du -sk "$WORK" | cut -f 1))); }
abandoned() {
  # what came of others, and of nobody who is at work: with another source or checksum it is of no use
  for each in "$VOLUME"/.incoming-*; do
    other=${each##*/.incoming-}
    [ -d "$each" ] && [ "$other" != "$KEY" ] || continue
    (flock -n 8 && rm -rf "$each" && echo "removed what had come of $other") 8>"$VOLUME/.lock-$other"
  done
}
others() {
  # other versions' files, which lie whole on the same volume
  for each in "$VOLUME"/*; do
    [ -f "$each/$mark" ] && [ "$each" != "$whole" ] || continue
    version=$(cat "$each/$mark.version" 2>/dev/null)
    printf '; %s is version %s, %s' "${each##*/}" "${version:-unknown}" "$(gib "$(du -sk "$each" | cut -f 1)")"
    removable="; what no model serves any more is removed there by rm -r FOLDER"
  done
  printf '%s' "${removable:-}"
}

# a shell ends where `exec` cannot open a file, and says nothing of its own
touch "$VOLUME/.lock-$KEY" || final "the volume is not writable for user $(id -u); on a volume of your own, as of NFS, \
make it so there: chown $(id -u) FOLDER, or chmod o+rwx FOLDER; then apply again"
exec 9>"$VOLUME/.lock-$KEY"
if command -v flock >/dev/null; then flock 9; fi
if [ -d "$whole" ]; then
  if [ "$(listed "$whole")" = "$(cat "$whole/$mark" 2>/dev/null)" ]; then
    echo "$VERSION" >"$whole/$mark.version"
    echo "the files of $KEY are there already"
    exit 0
  fi
  echo "the files of $KEY are not those that were fetched; they are fetched again"
  mv "$whole" "$WORK" || fail "$whole could not be set aside"
fi
mkdir -p "$WORK" || fail "$WORK could not be made"
have=$(room)
if [ "$have" -lt "$NEED_KIB" ] && command -v flock >/dev/null; then abandoned; have=$(room); fi
[ "$have" -ge "$NEED_KIB" ] || final "$(gib "$have") are free on the volume, wanted $(gib "$NEED_KIB"): \
2.2 times the weights; make room there, or give the model another volume$(others)"
"$@"
code=$?
[ $code -ne 65 ] || exit 65
if [ $code -ne 0 ]; then
  [ "$(free)" -ge 65536 ] || final "the volume is full; make room, and apply again, which goes on from what came$(others)"
  fail "fetching ended with $code; what came is kept, and the next try goes on from it"
fi
why=$(lacking "$WORK")
[ -z "$why" ] || final "what was fetched lacks $why; is everything in the source?"
if [ -n "${CHECKSUM:-}" ]; then
  found=$(cd "$WORK" && find . -type f ! -name "$mark*" ! -path './.cache/*' | LC_ALL=C sort | tr '\n' '\0' |
    xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
  [ "sha256:$found" = "$CHECKSUM" ] || final "the files have the digest sha256:$found, wanted $CHECKSUM"
fi
echo "$VERSION" >"$WORK/$mark.version" && listed "$WORK" >"$WORK/$mark.part" &&
  mv "$WORK/$mark.part" "$WORK/$mark" && sync && mv "$WORK" "$whole" ||
  fail "the files could not be put in place; $(gib "$(free)") are free"
echo "the files of $KEY are whole: $(wc -l <"$whole/$mark" | tr -d ' ') files, $(du -sh "$whole" | cut -f 1)"
