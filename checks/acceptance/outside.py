"""What answers from outside of the cluster: node ports and the load balancer's address, asked from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException

import gevent

from checks.acceptance import reach
from checks.acceptance.gates import NOTICED, Gate, Tell, wait
from checks.acceptance.pods import Front, Pod
from checks.acceptance.probe import Said
from checks.finding import Finding
from checks.say import judged, skipped, unread
from deploy.model import Cluster

ADDRESS = Gate("the load balancer to give an address", NOTICED)
ANSWER = Gate("the load balancer's address to answer", NOTICED)
PORT = Gate("the node port to answer", NOTICED)  # kube-proxy opens it on every node in its own time
CALL = 3.0  # seconds for one request
WHY_NOT = "the hosts are reached through a jump host, so this machine is not on their network"


def findings(
    cluster: Cluster,
    nodes: Sequence[str],
    up: Mapping[str, Pod],
    service: Front | None,
    again: Callable[[], Front | None],
    tell: Tell,
) -> list[Finding]:
    """Return K8S-16 for every node and LB-04; `again` reads the Service anew."""
    if cluster.ssh.jump is not None:
        return [*(skipped("K8S-16", name, WHY_NOT) for name in nodes), skipped("LB-04", None, WHY_NOT)]
    if service is None or not up:
        why = "no pod of the probe runs" if service is not None else "the probe's Service could not be read"
        return [*(unread("K8S-16", name, why) for name in nodes), *_unread_balancer(cluster, why)]
    names = {pod.name for pod in up.values()}
    balancer = gevent.spawn(_balancer, cluster, names, again, tell)
    asked = {
        name: gevent.spawn(_awaited, PORT, str(cluster.node(name).address), service.node_port, tell)
        for name in nodes
    }
    ports = [
        reach.node_port(name, f"{cluster.node(name).address}:{service.node_port}", said.get(), names)
        for name, said in asked.items()
    ]
    return [*ports, *balancer.get()]


def _unread_balancer(cluster: Cluster, why: str) -> list[Finding]:
    return [unread("LB-04", None, why)] if cluster.load_balancer else []


def _balancer(
    cluster: Cluster, names: set[str], again: Callable[[], Front | None], tell: Tell
) -> list[Finding]:
    if cluster.load_balancer is None:
        return []
    address: list[str] = []

    def given() -> str | None:
        front = again()
        address[:] = [front.balanced] if front and front.balanced else []
        return None if address else "no address yet"

    if (cause := wait(ADDRESS, given, tell)) is not None:
        pools = ", ".join(cluster.load_balancer.pool)
        return [judged("LB-04", None, False, found=cause, wanted=f"an address of {pools}")]
    return [reach.balancer(address[0], _awaited(ANSWER, address[0], 80, tell), names)]


def _awaited(gate: Gate, address: str, port: int, tell: Tell) -> Said:
    """Ask until somebody answers, or until the time for that is over; return what was said last."""
    last: list[Said] = []

    def answered() -> str | None:
        last[:] = [hostname(address, port)]
        return None if last[0].good else f"{address}: {'; '.join(last[0].errors)}"

    wait(gate, answered, tell)
    return last[0]


def hostname(address: str, port: int) -> Said:
    """Return who answers there."""
    connection = HTTPConnection(address, port, timeout=CALL)
    try:
        connection.request("GET", "/hostname")
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        return Said(errors=(str(error) or type(error).__name__,))
    finally:
        connection.close()
    return Said(responses=(body,)) if answer.status == 200 else Said(errors=(f"status {answer.status}",))
