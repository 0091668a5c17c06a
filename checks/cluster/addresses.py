"""Every address that the load balancer gave away answers from here."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import gevent

from checks.cluster.snapshot import OWNED, Object, Snapshot, name_of, namespace_of
from checks.finding import Finding
from checks.say import but, judged, skipped, unread
from deploy.model import Cluster

CALL = 3.0  # seconds
JUMP = "the hosts are reached through a jump host, so this machine is not on their network"


def connect(address: str, port: int) -> str:
    """Return what is wrong with a TCP connection; nothing when it comes about."""
    try:
        socket.create_connection((address, port), timeout=CALL).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def answer(cluster: Cluster, seen: Snapshot, knock: Callable[[str, int], str] = connect) -> Iterator[Finding]:
    """Each Service of type LoadBalancer has an address, and its TCP ports answer."""
    if cluster.load_balancer is None:
        return
    services = seen.items("services")
    if services is None:
        yield unread("LB-04", None, seen.cause("services"))
        return
    balanced = [
        each for each in services if each["spec"].get("type") == "LoadBalancer" and not _passing(each)
    ]
    if cluster.ssh.jump is not None or not balanced:
        yield skipped("LB-04", None, JUMP if balanced else "no Service asks for an address")
        return
    lacking = [_name(each) for each in balanced if _address(each) is None]
    doors = [door for each in balanced for door in _doors(each)]
    asked = [gevent.spawn(knock, address, port) for _, address, port in doors]
    silent = {
        f"{name} at {address}:{port}": said
        for (name, address, port), greenlet in zip(doors, asked, strict=True)
        if (said := greenlet.get())
    }
    told = [f"{name} has no address" for name in lacking]
    told += [f"{door}: {said}" for door, said in silent.items()]
    yield judged(
        "LB-04",
        None,
        not lacking and not silent,
        found=f"{len(balanced) - len(lacking)}/{len(balanced)} Services have an address, "
        f"{len(doors) - len(silent)}/{len(doors)} ports answer{but([*lacking, *silent])}",
        wanted="all",
        detail="\n".join(told),
    )


def _passing(service: Object) -> bool:
    """Say whether a Service is on its way out, or a verify's own, which soon is."""
    metadata = service["metadata"]
    labels = metadata.get("labels") or {}
    return "deletionTimestamp" in metadata or OWNED.items() <= labels.items()


def _name(service: Object) -> str:
    return f"{namespace_of(service)}/{name_of(service)}"


def _address(service: Object) -> str | None:
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    return next((str(each["ip"]) for each in ingress if each.get("ip")), None)


def _doors(service: Object) -> Iterator[tuple[str, str, int]]:
    """Yield (name, address, port) of what can be knocked at: TCP only, UDP does not say who listens."""
    if (address := _address(service)) is not None:
        for port in service["spec"].get("ports") or ():
            if port.get("protocol", "TCP") == "TCP":
                yield _name(service), address, int(port["port"])
