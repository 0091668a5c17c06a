# Prints the buckets: MinIO shows every folder of its drive as one (minio/minio cmd/xl-storage.go, listVols).
cd /data && for each in */; do echo "${each%/}"; done && echo end
