"""What is read on a host, in the script's order; cheap readers share a lane, slow ones have their own."""

from __future__ import annotations

from collections.abc import Sequence

from checks.collect.script import Section
from deploy.observe import (
    cgroup,
    clock,
    confinement,
    disks,
    firewall,
    gpu_state,
    kernels,
    listeners,
    modules,
    names,
    network,
    package_state,
    pci,
    reach,
    remains,
    runtime,
    security,
    swap,
    sysctl,
    system,
)

PARAMETERS = (
    "net.ipv4.ip_forward",
    "net.bridge.bridge-nf-call-iptables",
    "fs.inotify.max_user_instances",
    "fs.inotify.max_user_watches",
    "kernel.numa_balancing",
)
# what containers, the pod network, kube-proxy and k3s' kube-router use
MODULES = (
    *("overlay", "br_netfilter", "nf_conntrack", "vxlan", "xt_comment", "xt_addrtype", "xt_MASQUERADE"),
    *("ip_set", "ip_set_hash_ip", "ip_set_hash_net", "xt_set", "xt_multiport", "xt_physdev"),
)


def sections(urls: Sequence[str], folders: Sequence[str] = ()) -> tuple[Section, ...]:
    """Return the readers; `urls` are the places that each host should reach, `folders` where volumes lie."""
    return (
        Section("system", system.COMMAND),
        Section("sysctls", sysctl.command(PARAMETERS)),
        Section("modules", modules.command(MODULES)),
        Section("cgroup", cgroup.COMMAND),
        Section("confinement", confinement.COMMAND),
        Section("kernels", kernels.COMMAND),
        Section("network", network.COMMAND),
        Section("names", names.COMMAND),
        Section("listeners", listeners.COMMAND),
        Section("disks", disks.command((*disks.PATHS, *folders))),
        Section("security", security.COMMAND),
        Section("remains", remains.COMMAND),
        Section("pci", pci.COMMAND),
        Section("swap", swap.COMMAND, slow=True, seconds=10),
        Section("firewall", firewall.COMMAND, slow=True),
        Section("packages", package_state.COMMAND, slow=True, seconds=8),
        Section("clock", clock.COMMAND, slow=True),
        Section("runtime", runtime.COMMAND, slow=True),
        Section("gpu_state", gpu_state.COMMAND, slow=True, seconds=8),
        *((Section("reach", reach.command(urls), slow=True, seconds=reach.SECONDS + 2),) if urls else ()),
    )
