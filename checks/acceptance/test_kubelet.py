"""The kubelet runs, says that it is well, and is the declared one."""

from __future__ import annotations

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from checks.acceptance.units import unit_of
from deploy.model import Cluster, Node


@proves("K8S-13")
def test_the_kubelet_runs(host: Host, cluster: Cluster, node: Node, seen: Seen) -> None:
    if cluster.is_k3s:
        inside_k3s(host, cluster, node, seen)
        return
    state = host.run("systemctl is-active kubelet").stdout.strip()
    seen.expect(found=state or "unknown", wanted="active")
    version = host.run("kubelet --version").stdout.strip().removeprefix("Kubernetes ")
    seen.expect(found=version or "no version", wanted=cluster.kubernetes.version)


def inside_k3s(host: Host, cluster: Cluster, node: Node, seen: Seen) -> None:
    """The kubelet of k3s is k3s itself; a stand-in under its name says so here."""
    state = host.run(f"systemctl is-active {unit_of('kubelet', cluster, node)}").stdout.strip()
    seen.expect(found=state or "unknown", wanted="active")
    said = host.run("k3s --version").stdout.partition("\n")[0].removeprefix("k3s version ")
    version = cluster.kubernetes.version
    seen.require(said.split(" ")[0] == version, found=said or "no version", wanted=version)
