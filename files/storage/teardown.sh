#!/bin/sh
# run by local-path-provisioner when somebody has deleted a claim whose volume was not to be kept
set -eu
rm -rf "$VOL_DIR"
