"""What k3s generates is as k3s generated it."""

from __future__ import annotations

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from deploy.observe.k3s import GENERATED, RECORD

COMMAND = f"[ -s {RECORD} ] || {{ echo {RECORD} is missing >&2; exit 3; }}; sha256sum -c {RECORD}"


@proves("RT-05")
def test_nobody_edited_what_k3s_generates(host: Host, seen: Seen) -> None:
    ran = host.run(COMMAND)
    if ran.rc not in (0, 1):
        seen.unread(f"what k3s generated at its last start is not recorded: {ran.stderr.strip()}")
    if ran.rc == 0 and ": OK" not in ran.stdout:
        seen.unread("sha256sum compared nothing")
    found = "as k3s wrote it" if ran.rc == 0 else "another since k3s started"
    seen.expect(found=f"{GENERATED} is {found}", wanted=f"{GENERATED} is as k3s wrote it")
