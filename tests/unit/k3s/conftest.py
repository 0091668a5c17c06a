"""Five inventories of k3s as people have them, and clusters made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from deploy.model import Cluster, load_cluster

HERE = Path(__file__).parent
INVENTORIES = sorted(path.stem for path in (HERE / "inventories").glob("*.yaml"))
K3S = {"distribution": "k3s", "version": "v1.36.3+k3s1"}
S1 = {"name": "s1", "address": "192.168.1.11", "roles": ["control-plane"]}
A1 = {"name": "a1", "address": "192.168.1.12", "roles": ["worker"]}


def inventory(name: str) -> Cluster:
    return load_cluster(HERE / "inventories" / f"{name}.yaml")


def cluster(**kubernetes: Any) -> Cluster:
    return Cluster.model_validate({"name": "home", "nodes": [S1, A1], "kubernetes": {**K3S, **kubernetes}})


def documents(text: bytes) -> Any:
    return yaml.safe_load(text)
