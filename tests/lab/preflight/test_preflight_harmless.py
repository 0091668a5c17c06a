"""Looking changes nothing, and probes leave nothing behind."""

from __future__ import annotations

import re

from tests.lab.preflight.breaks import NO_WALL, wall
from tests.lab.preflight.conftest import Bare, failing
from tests.lab.site import until

# what any login leaves: sshd's own records, the journal, and times that the kernel keeps
LOGIN = (
    r"/var/log/(lastlog|wtmp|btmp|journal/.*)|/root/\.cache.*"
    r"|/run/(utmp|motd.dynamic|log/.*|systemd/.*|sshd.*|user.*)"
)
SNAPSHOT = (
    "find / -xdev -newer /run/before -not -path '/proc/*' -not -path '/sys/*' 2>/dev/null; "
    "find /run /tmp /var/lib/etcd /var/lib/kubelet -newer /run/before 2>/dev/null"
)


def changed(bare: Bare, host: str) -> list[str]:
    """Return the paths that were written since the mark, without those that any login writes."""
    paths = bare.on(host, SNAPSHOT).splitlines()
    return sorted({path for path in paths if not re.fullmatch(LOGIN, path)} - {"/run", "/run/before", "/tmp"})


def processes(bare: Bare, host: str) -> list[str]:
    listed = bare.on(host, "ps -eo comm=")
    return sorted(line for line in listed.splitlines() if line not in ("ps", "sh", "conmon"))


def marked(bare: Bare, host: str) -> list[str]:
    """Make the mark when every earlier login is over; return the processes."""
    until(lambda: processes(bare, host).count("sshd") == 1, 120, "the end of earlier sessions")
    bare.on(host, "sleep 1.1; touch /run/before; sleep 0.1")
    return processes(bare, host)


def test_a_preflight_writes_nothing_and_starts_nothing(bare: Bare) -> None:
    bare.findings()  # a first login makes what the second finds
    before = marked(bare, "n1")

    bare.findings()

    assert changed(bare, "n1") == []
    until(lambda: processes(bare, "n1") == before, 120, "the end of sshd's session")


def test_probes_clean_up_after_themselves(bare: Bare) -> None:
    before = marked(bare, "n1")

    findings = bare.findings("--active")

    assert findings["HOST-18", "n1"]["found"] == "reaches n2, n3"
    assert {findings["HOST-29", host]["status"] for host in ("n1", "n2", "n3")} == {"pass"}
    assert re.fullmatch(r"p99 [\d.]+ ms of \d+ syncs", findings["HOST-26", "n1"]["found"])
    assert [path for path in changed(bare, "n1") if path != "/var/lib/etcd" and path != "/var/lib"] == []
    until(lambda: processes(bare, "n1") == before, 120, "the end of sshd's session")


def test_what_probes_find_is_on_the_hosts_that_have_it(bare: Bare) -> None:
    bare.on("n2", wall("udp dport 8472 drop"))
    bare.on("n3", wall("udp dport 8472 udp length > 1000 drop"))
    bare.mirror.slow.add(str(bare.lab.address("n2")))
    try:
        findings = bare.findings("--active")
    finally:
        bare.mirror.slow.clear()
        bare.mend({"n2": [NO_WALL], "n3": [NO_WALL]})

    assert {host: findings["HOST-18", host]["found"] for host in ("n1", "n2", "n3")} == {
        "n1": "does not reach n2 (udp)",
        "n2": "does not reach n1 (udp), n3 (udp)",
        "n3": "does not reach n2 (udp)",
    }
    assert failing(findings, "HOST-19") == {"n1"}
    assert findings["HOST-19", "n1"]["found"] == "1500, which the path to n3 does not carry"
    assert failing(findings, "HOST-29") == {"n2"}
    assert re.fullmatch(r"[0-2] MB/s", findings["HOST-29", "n2"]["found"])


def test_an_address_of_the_pool_that_somebody_has_is_found(bare: Bare) -> None:
    # a host that the inventory does not know
    bare.on("n3", f"ip address add {bare.lab.subnet[205]}/24 dev eth0")
    third = bare.data["nodes"].pop()
    bare.write()
    try:
        findings = bare.findings("--active")
    finally:
        bare.data["nodes"].append(third)
        bare.write()
        bare.on("n3", f"ip address del {bare.lab.subnet[205]}/24 dev eth0")

    found = findings["LB-03", None]
    assert re.fullmatch(rf"{bare.lab.subnet[205]} answers, as [0-9a-f:]{{17}}", found["found"])
