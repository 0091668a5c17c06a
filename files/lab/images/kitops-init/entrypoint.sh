#!/bin/sh
# A stand-in for kitops-init: the same variables, the same files where they are wanted, fetched by oras.
#   MODELKIT_REF   the ModelKit, REGISTRY/NAME:TAG or @DIGEST
#   UNPACK_PATH    where to (/home/user/modelkit/)
#   UNPACK_FILTER  which parts: model, datasets, code, docs, with commas (model)
#   EXTRA_FLAGS    of `kit unpack` (--ignore-existing)
# Signatures are not verified: a ModelKit that is to be verified is refused. The lab's registry has no certificate, so
# a registry that is named by its address is reached without one.
set -euo pipefail

refused() {
    echo "stand-in for kitops-init: $*" >&2
    exit 1
}

[ -n "${MODELKIT_REF-}" ] || refused 'Environment variable $MODELKIT_REF is required'
[ -z "${COSIGN_KEY-}${COSIGN_CERT_IDENTITY-}" ] || refused "it cannot verify signatures"
registry=${MODELKIT_REF%%/*}
path=${UNPACK_PATH:-/home/user/modelkit/}
types=${UNPACK_FILTER:-model}
types=,${types%%:*},
reach= existing=refuse directory=
case ${registry%:*} in
*[!0-9.]*) ;;
*) reach=--plain-http ;;
esac
for flag in ${EXTRA_FLAGS:---ignore-existing}; do
    if [ -n "$directory" ]; then
        path=$flag directory=
        continue
    fi
    case $flag in
    -i | --ignore-existing) existing=keep ;;
    -o | --overwrite) existing=replace ;;
    --plain-http) reach=$flag ;;
    --tls-verify=false) reach=--insecure ;;
    -d | --dir) directory=next ;;
    -d=* | --dir=*) path=${flag#*=} ;;
    *) refused "it does not know the flag $flag of kit unpack" ;;
    esac
done

repository=${MODELKIT_REF%@*}
case ${repository##*/} in
*:*) repository=${repository%:*} ;;
esac

echo "stand-in for kitops-init, with $(oras version | sed -n 's/^Version: */oras /p')"
echo "Unpacking modelkit $MODELKIT_REF to $path with filter '${UNPACK_FILTER:-model}'"
said=$(mktemp)
trap 'rm -f "$said"' EXIT
layers=$(oras manifest fetch $reach --format go-template \
    --template '{{range .content.layers}}{{.mediaType}} {{.digest}}{{"\n"}}{{end}}' "$MODELKIT_REF" 2>"$said") || {
    cat "$said" >&2
    # as kit says it (kitops pkg/lib/filesystem/unpack/store.go); oras: errdef.ErrNotFound
    case $(cat "$said") in
    *"$repository"*": not found"*) refused "reference $MODELKIT_REF could not be found in remote" ;;
    esac
    exit 1
}
begun=$path/.unpacking
rm -rf "$begun"
mkdir -p "$begun"
trap 'rm -rf "$begun" "$said"' EXIT

wanted() {
    case $1 in
    application/vnd.kitops.modelkit.model.v1.tar* | application/vnd.kitops.modelkit.modelpart.v1.tar*) name=model ;;
    application/vnd.kitops.modelkit.dataset.v1.tar*) name=datasets ;;
    application/vnd.kitops.modelkit.code.v1.tar*) name=code ;;
    application/vnd.kitops.modelkit.docs.v1.tar*) name=docs ;;
    *) refused "$MODELKIT_REF has a layer of type $1: it is no ModelKit" ;;
    esac
    case $types in *,$name,*) ;; *) return 1 ;; esac
}

unpacked() {
    compressed=
    case $1 in *+gzip) compressed=-z ;; esac
    oras blob fetch $reach --output - "$repository@$2" | tar -x $compressed -o -f - -C "$begun"
}

placed() {
    (cd "$begun" && find . -type f) | while read -r file; do
        if [ -e "$path/$file" ]; then
            [ "$existing" != keep ] || continue
            [ "$existing" = replace ] || refused "$path/${file#./} exists; --ignore-existing keeps it, --overwrite replaces it"
        fi
        mkdir -p "$(dirname "$path/$file")"
        mv -f "$begun/$file" "$path/$file"
        echo "  ${file#./}"
    done
    rm -rf "$begun"
    mkdir -p "$begun"
}

found=
while read -r type digest; do
    [ -n "$digest" ] || continue
    wanted "$type" || continue
    found=yes
    unpacked "$type" "$digest"
    placed
done <<LAYERS
$layers
LAYERS
[ -n "$found" ] || refused "$MODELKIT_REF has nothing of ${UNPACK_FILTER:-model}"
