"""What both registries have in common: names, labels, Services, and who may reach them."""

from __future__ import annotations

from typing import Any

from deploy.model import Cluster
from deploy.model.labels import OWNED
from deploy.model.registry import RegistryExpose
from deploy.operations.secrets import Where
from deploy.serving import names as serving

NAMESPACE = "registry"
PHASE = "registry"
NAME = "registry"
HTTPS = 443
# the origins of what is generated, which outlive the registry's own namespace
LOGIN = Where("slipway-system", "registry")
STORE = Where("slipway-system", "object-store")
TLS = Where(NAMESPACE, "registry-tls")
S3 = Where(NAMESPACE, "registry-s3")
PULL = Where("models", "registry-pull")
AUTHORITY = Where("models", "registry-ca")
Object = dict[str, Any]


def metadata(name: str, component: str = NAME) -> Object:
    """Return the metadata of an object of ours in the registry's namespace."""
    return {
        "name": name,
        "namespace": NAMESPACE,
        "labels": {"app.kubernetes.io/name": component, **OWNED},
    }


def namespace() -> Object:
    """Return the namespace; its pods keep to the baseline of the Pod Security Standards."""
    labels = {**OWNED, "pod-security.kubernetes.io/enforce": "baseline"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def models() -> Object:
    """Return the namespace of the models, as the serving step makes it too."""
    return serving.home()


def names(cluster: Cluster) -> tuple[list[str], list[str]]:
    """Return the names and the addresses that the certificate is for."""
    registry = cluster.registry
    assert registry is not None  # noqa: S101 - the phase is for clusters that have one
    inside = [f"{NAME}.{NAMESPACE}.svc", f"{NAME}.{NAMESPACE}.svc.cluster.local"]
    return [registry.hostname, *inside], [str(cluster.registry_address)]


def service(cluster: Cluster, selector: dict[str, str], port: int) -> Object:
    """Return the Service that nodes and pods use; its address is known before it is there."""
    spec = {
        "type": "ClusterIP",
        "clusterIP": str(cluster.registry_address),
        "selector": selector,
        "ports": [{"name": "https", "port": HTTPS, "targetPort": port, "protocol": "TCP"}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(NAME), "spec": spec}


def outside(selector: dict[str, str], port: int) -> Object:
    """Return the Service that the hosts' network uses."""
    spec = {
        "type": "LoadBalancer",
        "selector": selector,
        "ports": [{"name": "https", "port": HTTPS, "targetPort": port, "protocol": "TCP"}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(f"{NAME}-external"), "spec": spec}


def is_outside(cluster: Cluster) -> bool:
    """Say whether the registry has an address of the hosts' network."""
    return cluster.registry is not None and cluster.registry.expose is RegistryExpose.LOAD_BALANCER
