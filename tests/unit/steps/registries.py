"""Clusters with a registry, small and with everything."""

from __future__ import annotations

from typing import Any

from deploy.model import Cluster, Registry

NODES = [
    {"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]},
    {"name": "w1", "address": "192.168.1.12", "roles": ["worker"]},
]
STORE = {"provider": "minio", "buckets": ["models", "registry"]}
NEAR = {"node_selector": {"tier": "gpu"}, "tolerations": [{"key": "gpu", "operator": "Exists"}]}
AWAY = {"node_selector": {"tier": "plain"}}


def cluster(provider: str, *, parts: dict[str, Any] | None = None, **keys: Any) -> Cluster:
    """Return a cluster with a registry; `keys` are the registry's, `parts` the cluster's."""
    return Cluster.model_validate(
        {
            "name": "homelab",
            "nodes": NODES,
            "load_balancer": {"pool": ["192.168.1.240-192.168.1.250"]},
            "registry": {"provider": provider, "hostname": "registry.home.arpa"} | keys,
            **(parts or {}),
        }
    )


def registry_of(declared: Cluster) -> Registry:
    assert declared.registry is not None
    return declared.registry
