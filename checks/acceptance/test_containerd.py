"""containerd answers, and is the one that the lock file pins."""

from __future__ import annotations

import re

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from checks.acceptance.units import unit_of
from deploy.catalog import Lock
from deploy.model import Cluster, Node
from deploy.observe import runtime

CDI_FOLDERS = ("/etc/cdi", "/var/run/cdi")


@proves("RT-01")
def test_containerd_answers(host: Host, cluster: Cluster, node: Node, lock: Lock, seen: Seen) -> None:
    k3s = cluster.is_k3s
    wanted = "a version" if k3s else lock.document.files["containerd"].version
    unit = unit_of("containerd", cluster, node)
    state = host.run(f"systemctl is-active {unit}").stdout.strip()
    seen.expect(found=state or "unknown", wanted="active")
    answer = host.run("ctr --connect-timeout 3s version")
    match = re.search(r"Server:\s+Version:\s+(\S+)", answer.stdout)
    if match and k3s:
        # k3s brings its own containerd: it is pinned with k3s
        seen.require(True, found=match[1], wanted=wanted)
    elif match is None:
        seen.require(False, found=f"no answer: {answer.stderr.strip()}", wanted=wanted)
    else:
        seen.expect(found=match[1], wanted=wanted)


@proves("RT-06")
def test_cdi_is_on_where_drivers_write(host: Host, seen: Seen) -> None:
    found = runtime.parse(host.run(runtime.CONFIGURED).stdout)
    if found.broken_config:
        seen.unread("containerd's configuration is no TOML (RT-03)")
    # containerd 2 has it on by itself
    off = found.setting("enable_cdi") is False
    seen.expect(found="off" if off else "on", wanted="on")
    missing = [folder for folder in CDI_FOLDERS if folder not in found.cdi]
    seen.require(
        not missing,
        found=f"no {' and no '.join(missing)}" if missing else f"{' and '.join(CDI_FOLDERS)} are there",
        wanted=" and ".join(CDI_FOLDERS),
    )
