"""A night reads: nothing of it stays on hosts, and nothing is written to the API."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.lab.site import OWN_CACHE, Site, until

KEPT = (
    "/etc /usr/local /opt /root /home /srv /var/cache /var/tmp /var/lib/slipway /var/lib/dpkg"
    " /var/lib/kubelet /var/lib/containerd"
)
# what pods write, and databases that their owners keep writing whoever looks on
MOVING = "-path /var/lib/kubelet/pods -o -path '/var/lib/containerd/*/snapshots/*' -o -name '*.db'"
QUIET = 6.0  # seconds, about what a night takes


def test_a_night_writes_nothing_on_hosts_and_nothing_to_the_api(core: Site) -> None:
    until(lambda: swept(core) and still(core), 300, "a cluster that is busy with nothing")
    before = everything(core)
    assert {"n1", "n2"} < {line.split()[0] for line in before}, "files of both hosts, and objects"

    core.ok("drift")

    assert before ^ everything(core) == set()


def swept(core: Site) -> bool:
    """Say whether nothing is left of pods that have ended: a kubelet takes that away once a minute."""
    return all(sandboxes <= running for sandboxes, running in (lying(core, host) for host in ("n1", "n2")))


def lying(core: Site, host: str) -> tuple[set[str], set[str]]:
    """Return the sandboxes of pods that a host has, and what runs there."""
    sandboxes = """ctr -n k8s.io containers list -q 'labels."io.cri-containerd.kind"==sandbox'"""
    found = {*core.on(host, sandboxes).split()}
    assert found, f"no pod was ever on {host}"
    return found, {*core.on(host, "ctr -n k8s.io tasks list -q").split()}


def still(core: Site) -> bool:
    """Say whether nothing changes while nobody does anything."""
    before = everything(core)
    time.sleep(QUIET)
    return before == everything(core)


def everything(core: Site) -> set[str]:
    """Return a line for each file, folder and object: one that is made, changed or gone is seen."""
    return {f"{host} {line}" for host in ("n1", "n2") for line in files(core, host)} | objects(core)


def files(core: Site, host: str) -> list[str]:
    """Return what lies on a host; a folder's time tells of a file that was there for a moment only."""
    shown = "-printf '%y %m %U:%G %s %T@ %p %l\\n'"
    script = f"find {KEPT} \\( {MOVING} \\) -prune -o {shown} 2>/dev/null || true"
    return core.on(host, script).splitlines()


def objects(core: Site) -> set[str]:
    """Return the versions of all objects but those that the cluster itself keeps writing.

    A kubelet says every few minutes that its node is well: of nodes what others write is compared.
    """
    listed = core.on("n1", f"{OWN_CACHE} api-resources --verbs=list -o name").split()
    own = ("events", "lease", "nodes", "componentstatuses")
    kinds = ",".join(sorted(each for each in listed if not each.startswith(own)))
    columns = "-o custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name,V:.metadata.resourceVersion"
    versions = core.on("n1", f"{OWN_CACHE} get {kinds} -A {columns}").splitlines()
    nodes = json.loads(core.on("n1", f"{OWN_CACHE} get nodes -o json"))["items"]
    return {*versions, *(json.dumps([_written(each["metadata"]), each["spec"]]) for each in nodes)}


def _written(metadata: dict[str, Any]) -> list[Any]:
    return [metadata.get(key) for key in ("name", "labels", "annotations", "finalizers")]
