"""containerd and the kubelet agree on who makes the cgroups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.cluster.snapshot import Snapshot
from checks.collect.observed import Observed
from checks.finding import Finding
from checks.say import judged, unread
from deploy.model import Cluster

CHECK = "RT-02"


def drivers(cluster: Cluster, seen: Snapshot, hosts: Sequence[Observed]) -> Iterator[Finding]:
    """What containerd is configured for is what the kubelet runs with; k3s sees to both by itself."""
    if cluster.is_k3s:
        return
    known = {host.host: host for host in hosts}
    for node in cluster.nodes:
        host, kubelet = known.get(node.name), (seen.kubelet(node.name) or {}).get("cgroupDriver")
        runtime = host.runtime if host else None
        if runtime is None:
            yield unread(CHECK, node.name, f"runtime: {host.cause('runtime') if host else 'it was not read'}")
        elif runtime.config is None or runtime.broken_config:
            yield unread(
                CHECK, node.name, "there is no configuration of containerd that could be read (RT-03)"
            )
        elif kubelet is None:
            yield unread(CHECK, node.name, f"its kubelet does not say (K8S-04): {_why(seen, node.name)}")
        else:
            found = f"{runtime.cgroup_driver} in containerd, {kubelet} in the kubelet"
            yield judged(CHECK, node.name, runtime.cgroup_driver == kubelet, found=found, wanted="one driver")


def _why(seen: Snapshot, node: str) -> str:
    return seen.unconfigured(node) if seen.kubelet(node) is None else "no cgroupDriver"
