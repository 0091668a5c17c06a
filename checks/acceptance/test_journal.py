"""The kubelet's journal of the last day holds no alarm; the API's own events are gone after an hour."""

from __future__ import annotations

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from checks.acceptance.units import unit_of
from deploy.model import Cluster, Node

ALARMS = (
    "eviction manager: attempting to reclaim",
    "PLEG is not healthy: pleg was last seen active",  # at a start it has yet to be seen at all
    "System OOM encountered",
    "failed to garbage collect required amount of images",
)
SHOWN = 3
READ = "journalctl -u {unit} --since -24h -o short-iso --no-pager -q"


@proves("K8S-11")
def test_the_journal_holds_no_alarm(host: Host, cluster: Cluster, node: Node, seen: Seen) -> None:
    read = READ.format(unit=unit_of("kubelet", cluster, node))
    words = " ".join(f"-e '{alarm}'" for alarm in ALARMS)
    ran = host.run(f"{read} -n 1 && {read} | grep -F {words} || true")
    first, *lines = ran.stdout.splitlines() or [""]
    if not first:
        seen.unread(f"the kubelet's journal of a day is empty: {ran.stderr.strip() or 'nothing was logged'}")
    counts = {alarm: sum(alarm in line for line in lines) for alarm in ALARMS}
    told = [f"{count} x {alarm}" for alarm, count in counts.items() if count]
    seen.require(
        not told,
        found="; ".join(told) or "no alarm",
        wanted="no alarm",
        detail="\n".join(line[:200] for line in lines[-SHOWN:]),
    )
