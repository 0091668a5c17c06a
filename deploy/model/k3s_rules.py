"""What must hold between the values of an inventory of k3s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from deploy.model.cluster import Cluster
from deploy.model.k3s import Datastore, K3s, Packaged
from deploy.model.kubernetes import Containerd
from deploy.model.mistake import Mistake, Place

DISTRIBUTION: Place = ("kubernetes", "distribution")
K3S: Place = ("kubernetes", "k3s")


def sqlite_has_one_server(cluster: Cluster) -> Iterator[Mistake]:
    """Only etcd takes further servers."""
    count = len(cluster.control_planes)
    if cluster.is_k3s and count > 1 and cluster.kubernetes.k3s.datastore is Datastore.SQLITE:
        yield Mistake(
            (*K3S, "datastore"),
            f"sqlite keeps the state of one server, and {count} nodes have the role control-plane;"
            " use etcd, or one control plane",
            involves=(("nodes",),),
        )


def servicelb_gives_way(cluster: Cluster) -> Iterator[Mistake]:
    """Two load balancers would both answer for a Service (MetalLB, configuration/k3s)."""
    disabled = cluster.kubernetes.k3s.disable
    both = cluster.load_balancer and disabled is not None and Packaged.SERVICELB not in disabled
    if cluster.is_k3s and both:
        yield Mistake(
            (*K3S, "disable"),
            "k3s' servicelb and the declared load balancer would both answer for Services;"
            " add servicelb to the list, or leave out load_balancer",
            involves=(("load_balancer",),),
        )


def local_storage_gives_way(cluster: Cluster) -> Iterator[Mistake]:
    """Two provisioners of one name would both answer for a claim, and there would be two default classes."""
    disabled = cluster.kubernetes.k3s.disable
    both = cluster.storage and disabled is not None and Packaged.LOCAL_STORAGE not in disabled
    if cluster.is_k3s and both:
        yield Mistake(
            (*K3S, "disable"),
            "k3s' local-storage and the declared storage would both make volumes of the class local-path;"
            " add local-storage to the list, or leave out storage",
            involves=(("storage",),),
        )


def disabled_once(cluster: Cluster) -> Iterator[Mistake]:
    """Nothing is disabled twice."""
    for name, times in Counter(cluster.kubernetes.k3s.disable or ()).items():
        if times > 1:
            yield Mistake((*K3S, "disable"), f"{name} is given {times} times; once is enough")


def sections_fit_distribution(cluster: Cluster) -> Iterator[Mistake]:
    """What only one distribution reads is not said to the other."""
    kubernetes = cluster.kubernetes
    if not cluster.is_k3s:
        if kubernetes.k3s != K3s():
            yield Mistake(
                K3S, "is read for kubernetes.distribution: k3s only; leave it out", involves=(DISTRIBUTION,)
            )
        return
    foreign: dict[Place, tuple[bool, str]] = {
        ("kubernetes", "kube_proxy"): (
            bool(kubernetes.kube_proxy),
            "k3s gives kube-proxy no file; use kube-proxy-arg in kubernetes.k3s.server and .agent",
        ),
        ("kubernetes", "ignore_preflight"): (
            bool(kubernetes.ignore_preflight),
            "names kubeadm's checks, and k3s has none of them; leave it out",
        ),
        ("containerd",): (
            cluster.containerd != Containerd(),
            "k3s brings a containerd of its own; use kubernetes.k3s.limits and leave this out",
        ),
    }
    for place, (given, text) in foreign.items():
        if given:
            yield Mistake(place, text, involves=(DISTRIBUTION,))


K3S_RULES: tuple[Callable[[Cluster], Iterator[Mistake]], ...] = (
    sqlite_has_one_server,
    servicelb_gives_way,
    local_storage_gives_way,
    disabled_once,
    sections_fit_distribution,
)
