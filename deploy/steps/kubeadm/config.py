"""The configuration that kubeadm reads: pure, cluster and node in, documents out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from deploy.catalog import gates
from deploy.model import Cluster, Node, ProxyMode
from deploy.model.api_server import PORT
from deploy.model.settings import merged

KUBEADM_API = "kubeadm.k8s.io/v1beta4"
CRI_SOCKET = "unix:///run/containerd/containerd.sock"
COMPONENTS = {
    "apiServer": "kube-apiserver",
    "controllerManager": "kube-controller-manager",
    "scheduler": "kube-scheduler",
}
Document = dict[str, Any]


def init_documents(cluster: Cluster, node: Node) -> list[Document]:
    """Return what `kubeadm init --config` reads on a control plane."""
    return [
        {
            "apiVersion": KUBEADM_API,
            "kind": "InitConfiguration",
            "localAPIEndpoint": _local_endpoint(node),
            "nodeRegistration": _registration(cluster, node),
            # kubeadm makes one token whatever it is told; this one ends before anybody could use it
            "bootstrapTokens": [{"ttl": "1m0s", "description": "made by kubeadm init, used by nobody"}],
            "skipPhases": ["addon/coredns"],  # done when pods have a network and somewhere to run
        },
        _cluster_configuration(cluster),
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "cgroupDriver": "systemd",
        },
        kube_proxy(cluster),
    ]


def join_document(cluster: Cluster, node: Node) -> Document:
    """Return what `kubeadm join --config` reads, but for the credentials, which live minutes."""
    document: Document = {
        "apiVersion": KUBEADM_API,
        "kind": "JoinConfiguration",
        "nodeRegistration": _registration(cluster, node),
    }
    if node.is_control_plane:
        document["controlPlane"] = {"localAPIEndpoint": _local_endpoint(node)}
    return document


def endpoint(cluster: Cluster) -> str:
    """Return ADDRESS:PORT under which the nodes reach the API server."""
    return f"{cluster.endpoint}:{PORT}"


def _local_endpoint(node: Node) -> Document:
    return {"advertiseAddress": str(node.address), "bindPort": PORT}


def _registration(cluster: Cluster, node: Node) -> Document:
    registration: Document = {
        "name": node.name,
        "criSocket": CRI_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "imagePullSerial": False,
        "kubeletExtraArgs": [{"name": "node-ip", "value": str(node.address)}],
    }
    if cluster.kubernetes.ignore_preflight:
        registration["ignorePreflightErrors"] = list(cluster.kubernetes.ignore_preflight)
    if node.taints is not None:
        registration["taints"] = [_taint(taint.key, taint.value, taint.effect.value) for taint in node.taints]
    elif node.is_control_plane and not cluster.workers:
        registration["taints"] = []
    return registration


def _taint(key: str, value: str, effect: str) -> Document:
    return {"key": key, **({"value": value} if value else {}), "effect": effect}


def _cluster_configuration(cluster: Cluster) -> Document:
    kubernetes = cluster.kubernetes
    planes = cluster.control_planes
    names = [str(cluster.endpoint), *(str(node.address) for node in planes), *(node.name for node in planes)]
    document: Document = {
        "apiVersion": KUBEADM_API,
        "kind": "ClusterConfiguration",
        "clusterName": cluster.name,
        "kubernetesVersion": kubernetes.version,
        "controlPlaneEndpoint": endpoint(cluster),
        "networking": {
            "podSubnet": str(kubernetes.pod_cidr),
            "serviceSubnet": str(kubernetes.service_cidr),
        },
        "apiServer": {"certSANs": list(dict.fromkeys(names))},
    }
    for key, component in COMPONENTS.items():
        if flags := _gate_flags(cluster, component):
            document.setdefault(key, {})["extraArgs"] = flags
    return document


def _gate_flags(cluster: Cluster, component: str) -> list[Document]:
    """Return the flags that switch on what the version has off, as kubeadm lists them."""
    flags = {"feature-gates": gates.as_flag(gates.of(cluster, component))}
    if component == "kube-apiserver":
        flags["runtime-config"] = ",".join(gates.runtime_config(cluster))
    return [{"name": name, "value": value} for name, value in flags.items() if value]


def kube_proxy(cluster: Cluster) -> Document:
    """Return what of KubeProxyConfiguration is declared."""
    kubernetes = cluster.kubernetes
    document: Document = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": kubernetes.proxy_mode.value,
    }
    if kubernetes.proxy_mode is ProxyMode.IPVS:
        # without it every node answers ARP for every LoadBalancer address (MetalLB, installation)
        document["ipvs"] = {"strictARP": True}
    if given := gates.of(cluster, "kube-proxy"):
        document["featureGates"] = given
    return merged(document, kubernetes.kube_proxy)


def as_yaml(documents: Sequence[Mapping[str, Any]]) -> bytes:
    """Return documents as the text of one file; equal settings are equal text, whatever their order was."""
    return yaml.safe_dump_all([dict(document) for document in documents], sort_keys=True).encode()
