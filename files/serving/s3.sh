# Copies an S3 prefix into $WORK. Reads SOURCE, the prefix as people write it; arguments: the prefix for rclone, then
# options of the copy, which waits for a store that is away. 3: there is no such bucket (rclone lib/exitcode), which
# rclone would look for again and again; a prefix without objects is none that it copies from without complaint.
prefix=$1
shift
seen=$(rclone lsf --retries=1 --contimeout=10s "$prefix")
code=$?
if [ $code -eq 3 ] || { [ $code -eq 0 ] && [ -z "$seen" ]; }; then
  echo "no object lies under $SOURCE; put the model's files there, then apply again:" \
    "rclone copy --s3-no-check-bucket FOLDER $prefix/, told of the store as README.md shows" >&2
  exit 65
fi
exec rclone copy "$@" "$prefix" "$WORK"
