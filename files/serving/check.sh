# The engine starts with whole files or not at all. Reads FOLDER, and DUMMY; MARKED where slipway fetched them.
[ -d "$FOLDER" ] || fail "$FOLDER is not there; apply again, which fetches it, or look at models[].source"
if [ -n "${MARKED:-}" ]; then
  [ -f "$FOLDER/$mark" ] || fail "the files in $FOLDER were not fetched to their end; apply again"
  [ "$(listed "$FOLDER")" = "$(cat "$FOLDER/$mark")" ] ||
    fail "the files in $FOLDER are not those that were fetched; delete the pods of the Job, and apply again"
fi
why=$(lacking "$FOLDER")
[ -z "$why" ] || fail "$FOLDER lacks $why"
echo "$FOLDER is whole"
