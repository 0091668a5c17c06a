"""The lab's hosts for plain pyinfra: `pyinfra inventories/lab.py deploy.steps.baseline.baseline`."""

from pathlib import Path

from deploy.pyinfra_inventory import groups

control_planes, workers = groups(Path(__file__).with_suffix(".yaml"))
