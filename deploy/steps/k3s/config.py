"""What k3s reads when it starts: pure, cluster and node in, documents out.

One list for each key: a key that is written twice keeps its last value only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from deploy import catalog
from deploy.catalog import gates, gpu_needs, k3s_flags
from deploy.model import Cluster, Datastore, FlannelBackend, Node, ProxyMode
from deploy.model.api_server import PORT

ETC = "/etc/rancher/k3s"
CONFIG = f"{ETC}/config.yaml"
REGISTRATION = f"{ETC}/config.yaml.d/10-registration.yaml"
REGISTRIES = f"{ETC}/registries.yaml"
TOKEN = f"{ETC}/token"
KUBELET = "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/20-slipway.conf"
NOTE = "# Written by slipway: change the inventory, not this file.\n"
# a kubelet refuses to start with labels of these domains, save those below the two prefixes
# (k8s.io/kubernetes cmd/kubelet/app/options/options.go, pkg/kubelet/apis/well_known_labels.go)
RESERVED_DOMAINS = ("kubernetes.io", "k8s.io")
ALLOWED_DOMAINS = ("node.kubernetes.io", "kubelet.kubernetes.io")
Document = dict[str, Any]


def server(cluster: Cluster, node: Node) -> Document:
    """Return config.yaml of a server: the first makes the cluster, the others join its etcd."""
    kubernetes, k3s = cluster.kubernetes, cluster.kubernetes.k3s
    document = _node(node)
    if node != cluster.control_planes[0]:
        document |= {"server": url(cluster), "token-file": TOKEN}
    elif k3s.datastore is Datastore.ETCD:
        document["cluster-init"] = True
    document |= {
        "tls-san": _names(cluster),
        "cluster-cidr": str(kubernetes.pod_cidr),
        "service-cidr": str(kubernetes.service_cidr),
        "flannel-backend": k3s.flannel_backend.value,
        "write-kubeconfig-mode": "0600",
    }
    if k3s.flannel_backend is FlannelBackend.NONE:
        document["disable-network-policy"] = True
    if disabled := _disabled(cluster):
        document["disable"] = disabled
    for component in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        _add(document, f"{component}-arg", _gates(cluster, component))
    _add(document, "kube-apiserver-arg", _runtime_config(cluster))
    _add(document, "kube-proxy-arg", _proxy(cluster))
    return _merged(document, k3s.server)


def agent(cluster: Cluster, node: Node) -> Document:
    """Return config.yaml of an agent, which ends at a key that only servers take."""
    document = _node(node) | {"server": url(cluster), "token-file": TOKEN}
    _add(document, "kube-proxy-arg", _proxy(cluster))
    return _merged(document, cluster.kubernetes.k3s.agent)


def registration(node: Node) -> Document:
    """Return what a node registers with, and only then: later changes are the API's, without a restart."""
    document: Document = {}
    _add(document, "node-label", [f"{key}={value}" for key, value in node.labels.items() if _settable(key)])
    _add(document, "node-taint", [f"{t.key}={t.value}:{t.effect.value}" for t in node.taints or ()])
    return document


def registries(cluster: Cluster) -> Document:
    """Return registries.yaml: images of others from the mirror first, the cluster's own by its Service."""
    mirror, own = cluster.artifacts.registry_mirror, cluster.registry
    names = (*catalog.load().registries, *gpu_needs.registries(cluster)) if mirror else ()
    mirrors = {name: {"endpoint": [mirror]} for name in names}
    if own is None:
        return {"mirrors": mirrors} if mirrors else {}
    address, tls = str(cluster.registry_address), {"tls": {"ca_file": cluster.services_ca}}
    mirrors[own.hostname] = {"endpoint": [f"https://{address}"]}
    return {"mirrors": mirrors, "configs": {address: tls, own.hostname: dict(tls)}}


def url(cluster: Cluster) -> str:
    """Return where nodes find the cluster."""
    return f"https://{cluster.endpoint}:{PORT}"


def as_yaml(document: Mapping[str, Any]) -> bytes:
    """Return a document as the text of a file that says whose it is."""
    return (NOTE + (yaml.safe_dump(dict(document), sort_keys=False) if document else "")).encode()


def _merged(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Document:
    """Return our options with the inventory's: what takes a list gets one, other values are replaced."""
    result, flags = dict(ours), k3s_flags.load()
    for name, value in theirs.items():
        if (flags.server | flags.node | flags.agent)[name] == "list":
            more = value if isinstance(value, list) else [value]
            result[name] = list(dict.fromkeys([*result.get(name, []), *more]))
        else:
            result[name] = value
    return result


def _node(node: Node) -> Document:
    owned = {"nonroot-devices": True} if any(gpus.closed_to_users for gpus in node.gpus) else {}
    return {"node-name": node.name, "node-ip": str(node.address), **owned}


def _names(cluster: Cluster) -> list[str]:
    planes = cluster.control_planes
    names = [str(cluster.endpoint), *(str(node.address) for node in planes), *(node.name for node in planes)]
    return list(dict.fromkeys(names))


def _disabled(cluster: Cluster) -> list[str]:
    return [name.value for name in cluster.packaged_off]


def _gates(cluster: Cluster, component: str) -> list[str]:
    given = gates.of(cluster, component)
    return [f"feature-gates={gates.as_flag(given)}"] if given else []


def _runtime_config(cluster: Cluster) -> list[str]:
    versions = gates.runtime_config(cluster)
    return [f"runtime-config={','.join(versions)}"] if versions else []


def _proxy(cluster: Cluster) -> list[str]:
    mode = cluster.kubernetes.proxy_mode
    # iptables is k3s' own default
    own = [] if mode is ProxyMode.IPTABLES else [f"proxy-mode={mode.value}"]
    strict = ["ipvs-strict-arp=true"] if mode is ProxyMode.IPVS and cluster.load_balancer else []
    return [*own, *strict, *_gates(cluster, "kube-proxy")]


def _settable(label: str) -> bool:
    domain = label.partition("/")[0] if "/" in label else ""
    return _below(domain, ALLOWED_DOMAINS) or not _below(domain, RESERVED_DOMAINS)


def _below(domain: str, above: tuple[str, ...]) -> bool:
    return any(domain == each or domain.endswith(f".{each}") for each in above)


def _add(document: Document, key: str, values: list[str]) -> None:
    if values:
        document[key] = [*document.get(key, []), *values]
