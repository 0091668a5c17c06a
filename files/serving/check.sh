# The engine starts with whole files or not at all. Reads FOLDER, and DUMMY; MARKED where slipway fetched them.
anew="delete the model's Job in the namespace models and apply again, which fetches them anew"
[ -d "$FOLDER" ] || fail "$FOLDER is not there; look at models[].source; for files that are fetched: $anew"
ls "$FOLDER" >/dev/null || fail "$FOLDER cannot be read by user $(id -u), of the groups $(id -G): make it readable for \
others, or name a group that may read it in models[].groups"
if [ -n "${MARKED:-}" ]; then
  [ -f "$FOLDER/$mark" ] || fail "the files in $FOLDER were not fetched to their end; $anew"
  [ "$(listed "$FOLDER")" = "$(cat "$FOLDER/$mark")" ] ||
    fail "the files in $FOLDER are not those that were fetched; $anew"
fi
why=$(lacking "$FOLDER")
[ -z "$why" ] || fail "$FOLDER lacks $why"
echo "$FOLDER is whole"
