# Writes who may do what into the pod's memory: root everything, the user what it needs of its buckets.
# Keys are letters and digits, so they need no quoting in JSON. From the environment: the keys, ACTIONS.
set -eu
umask 077
cat > /run/identities/s3.json <<END
{"identities": [
  {"name": "root", "credentials": [{"accessKey": "$ROOT_USER", "secretKey": "$ROOT_PASSWORD"}],
   "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
  {"name": "slipway", "credentials": [{"accessKey": "$ACCESS_KEY", "secretKey": "$SECRET_KEY"}],
   "actions": $ACTIONS}
]}
END
