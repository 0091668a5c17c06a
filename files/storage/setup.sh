#!/bin/sh
# run by local-path-provisioner on the node of a new volume
set -eu
mkdir -m 0777 -p "$VOL_DIR"
