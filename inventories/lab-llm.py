"""Hosts of the lab that serves a model: `pyinfra inventories/lab-llm.py deploy.steps.storage.volumes`."""

from pathlib import Path

from deploy.pyinfra_inventory import groups

control_planes, workers = groups(Path(__file__).with_suffix(".yaml"))
