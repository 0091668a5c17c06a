#!/bin/sh
# What is not a command is minio's: `server /data` alone, as with upstream's image.
[ "${1-}" = minio ] || set -- minio "$@"
exec "$@"
