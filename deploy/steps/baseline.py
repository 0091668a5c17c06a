"""Bring a freshly installed host to the state that every later step assumes."""

from __future__ import annotations

from pyinfra.api import deploy

from deploy import context, render
from deploy.model import Cluster, ProxyMode, TimeSync
from deploy.operations import files, host, kernel, packages, swap, units
from deploy.operations.files import File
from deploy.operations.units import Unit

# What kubeadm's preflight looks for and kube-proxy and the CNI plugins run, beside what every Debian has.
PACKAGES = (
    "ca-certificates", "conntrack", "curl", "ethtool", "iproute2",
    "iptables", "kmod", "nftables", "socat",
)  # fmt: skip
HELD = (
    "kubelet", "kubeadm", "kubectl", "cri-tools", "kubernetes-cni",
    "containerd", "containerd.io", "runc", "cri-o",
)  # fmt: skip
MODULES = ("overlay", "br_netfilter")
IPVS_MODULES = ("ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "nf_conntrack")
SYSCTLS = {
    "net.ipv4.ip_forward": 1,
    "net.bridge.bridge-nf-call-iptables": 1,
    "net.bridge.bridge-nf-call-ip6tables": 1,
}
# A kubelet alone holds some 50 instances; Debian's and Ubuntu's 128 are gone with a few operators
# (https://github.com/k0sproject/k0s/issues/8113).
INOTIFY = {"fs.inotify.max_user_instances": 8192, "fs.inotify.max_user_watches": 524288}
JOURNALD = "/etc/systemd/journald.conf.d/50-slipway.conf"


@deploy("Baseline")
def baseline() -> None:
    """Give the host its name, its kernel settings and a quiet life; the firewall stays as it is."""
    cluster, node = context.cluster(), context.node()
    host.named(name="Name the host", hostname=node.name)
    host.known(
        name="Let the host know the others",
        entries=names(cluster),
    )
    packages.installed(name="Install what Kubernetes calls", names=PACKAGES)
    packages.held(name="Hold what an upgrade would break", names=HELD)
    files.present(
        name="Keep unattended upgrades away from it",
        files=[File("/etc/apt/apt.conf.d/52slipway", render.file("baseline/unattended-upgrades"))],
    )
    if cluster.kubernetes.kubelet.get("failSwapOn") is not False:
        swap.disabled(name="Turn swap off")
    _kernel(cluster)
    _journal(cluster)
    keep_time(cluster.host.time)


def names(cluster: Cluster) -> list[tuple[str, tuple[str, ...]]]:
    """Return the addresses that every host knows by name: the nodes', and that of the registry's Service.

    A registry with accounts sends clients to its own name for a token, from wherever they asked for a layer.
    """
    known: list[tuple[str, tuple[str, ...]]] = [(str(node.address), (node.name,)) for node in cluster.nodes]
    if cluster.registry:
        known.append((str(cluster.registry_address), (cluster.registry.hostname,)))
    return known


def _kernel(cluster: Cluster) -> None:
    ipvs = cluster.kubernetes.proxy_mode is ProxyMode.IPVS
    declared = cluster.host.sysctls
    kernel.modules_loaded(
        name="Load kernel modules",
        names=(*MODULES, *(IPVS_MODULES if ipvs else ())),
        path="/etc/modules-load.d/slipway.conf",
    )
    kernel.sysctls_set(
        name="Set kernel parameters",
        values={**SYSCTLS, **declared},
        path="/etc/sysctl.d/90-slipway.conf",
        at_least={key: value for key, value in INOTIFY.items() if key not in declared},
    )


def _journal(cluster: Cluster) -> None:
    config = render.template("baseline/journald.conf.j2", journal_max=cluster.host.journal_max)
    units.configured(name="Cap the journal", unit="systemd-journald.service", file=File(JOURNALD, config))


def keep_time(keeper: TimeSync) -> None:
    """Have the clock kept by what the inventory names."""
    match keeper:
        case TimeSync.CHRONY:
            packages.installed(name="Install chrony", names=["chrony"])
            units.brought_up(name="Keep the clock by chrony", unit=Unit("chrony.service", None))
        case TimeSync.TIMESYNCD:
            packages.installed(name="Install timesyncd", names=["systemd-timesyncd"])
            units.brought_up(name="Keep the clock by timesyncd", unit=Unit("systemd-timesyncd.service", None))
        case TimeSync.NONE:
            pass
