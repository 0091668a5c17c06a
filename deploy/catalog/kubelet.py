"""Our part of the kubelet's configuration: pure, a cluster in, KubeletConfiguration out."""

from __future__ import annotations

from typing import Any

from deploy.catalog import gates
from deploy.model import Cluster
from deploy.model.settings import merged


def settings(cluster: Cluster) -> dict[str, Any]:
    """Return the drop-in that goes over the base of kubeadm or k3s."""
    kubernetes = cluster.kubernetes
    reserved = kubernetes.reserved
    ours: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "systemReserved": {
            "cpu": reserved.cpu,
            "memory": reserved.memory,
            "ephemeral-storage": reserved.ephemeral_storage,
        },
        # half a minute for pods to end when a host shuts down, the last third of it for critical ones
        "shutdownGracePeriod": "30s",
        "shutdownGracePeriodCriticalPods": "10s",
    }
    if given := gates.of(cluster, "kubelet"):
        ours["featureGates"] = given
    return merged(ours, kubernetes.kubelet)
