"""A cluster with GPUs of every vendor, allocated in both ways."""

from __future__ import annotations

from typing import Any

from deploy.model import Cluster

CP = {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]}
WORKER = {"name": "w1", "address": "10.0.0.12", "roles": ["worker"]}
ARC = {"vendor": "intel", "model": "A770", "count": 2}
BATTLEMAGE = {"vendor": "intel", "model": "B580", "count": 1}
INSTINCT = {"vendor": "amd", "model": "MI300X", "count": 8, "allocation": "device-plugin"}
HOPPER = {"vendor": "nvidia", "model": "H100", "count": 8, "allocation": "dra"}


def cluster(*gpus: dict[str, Any], version: str = "v1.36.3", **keys: Any) -> Cluster:
    nodes = [
        {**WORKER, "name": f"w{number}", "address": f"10.0.0.{11 + number}", "gpus": each}
        for number, each in enumerate(gpus, start=1)
    ]
    kubernetes = {"version": version, **keys.pop("kubernetes", {})}
    return Cluster.model_validate({"name": "lab", "nodes": [CP, *nodes], "kubernetes": kubernetes, **keys})


def mixed(version: str = "v1.36.3") -> Cluster:
    return cluster(ARC, BATTLEMAGE, INSTINCT, HOPPER, version=version)


def beside(*gpus: dict[str, Any], version: str = "v1.36.3", **keys: Any) -> Cluster:
    """Return a cluster whose one worker has all of these."""
    nodes = [CP, {**WORKER, "gpus": [*gpus]}]
    return cluster(nodes=nodes, version=version, **keys)
