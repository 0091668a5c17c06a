"""containerd answers, and is the one that the lock file pins."""

from __future__ import annotations

import re

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from deploy.catalog import Lock


@proves("RT-01")
def test_containerd_answers(host: Host, lock: Lock, seen: Seen) -> None:
    wanted = lock.document.files["containerd"].version
    state = host.run("systemctl is-active containerd").stdout.strip()
    seen.expect(found=state or "unknown", wanted="active")
    answer = host.run("ctr --connect-timeout 3s version")
    match = re.search(r"Server:\s+Version:\s+(\S+)", answer.stdout)
    if match is None:
        seen.require(False, found=f"no answer: {answer.stderr.strip()}", wanted=wanted)
    else:
        seen.expect(found=match[1], wanted=wanted)
