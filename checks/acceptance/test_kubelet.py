"""The kubelet runs, says that it is well, and is the declared one."""

from __future__ import annotations

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from deploy.model import Cluster


@proves("K8S-13")
def test_the_kubelet_runs(host: Host, cluster: Cluster, seen: Seen) -> None:
    state = host.run("systemctl is-active kubelet").stdout.strip()
    seen.expect(found=state or "unknown", wanted="active")
    version = host.run("kubelet --version").stdout.strip().removeprefix("Kubernetes ")
    seen.expect(found=version or "no version", wanted=cluster.kubernetes.version)
