"""Hosts of the homelab as a lab: `pyinfra inventories/lab-homelab.py deploy.steps.gpu_hosts.gpu_hosts`."""

from pathlib import Path

from deploy.pyinfra_inventory import groups

control_planes, workers = groups(Path(__file__).with_suffix(".yaml"))
