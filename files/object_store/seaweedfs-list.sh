# Prints the buckets, as SeaweedFS' own shell does: "  NAME", a tab, its size (weed/shell/command_s3_bucket_list.go).
said=$(echo s3.bucket.list | weed shell -master=127.0.0.1:9333 -filer=127.0.0.1:8888 2>&1) || {
  printf '%s\n' "$said"
  exit 1
}
printf '%s\n' "$said" | tr -d '> ' | cut -f 1 && echo end
