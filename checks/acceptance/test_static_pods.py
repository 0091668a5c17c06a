"""Static pods are what kubeadm makes of its configuration; an upgrade would lose an edit by hand."""

from __future__ import annotations

import shlex

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from deploy.model import Cluster

WANTED = "what kubeadm makes of its configuration"
SHOWN = 30  # lines of a diff


@proves("K8S-05")
def test_static_pods_are_as_kubeadm_made_them(host: Host, cluster: Cluster, seen: Seen) -> None:
    version = shlex.quote(cluster.kubernetes.version)
    ran = host.run(f"kubeadm upgrade diff {version} --kubeconfig /etc/kubernetes/admin.conf -c 1")
    if ran.rc != 0:
        seen.unread(f"kubeadm upgrade diff ended with {ran.rc}: {ran.stderr.strip()}")
    lines = [line for line in ran.stdout.splitlines() if not line.startswith("[upgrade/diff]")]
    files = [line.split()[1] for line in lines if line.startswith("--- ")]
    seen.expect(
        found=f"{', '.join(files) or 'a manifest'} differ" if lines else WANTED,
        wanted=WANTED,
        detail="\n".join(lines[:SHOWN]),
    )
