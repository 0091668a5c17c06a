"""Every address that the load balancer gave away answers from here."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence

import gevent

from checks.cluster.snapshot import OWNED, Object, Snapshot, name_of, namespace_of
from checks.finding import Finding
from checks.say import but, judged, skipped, unread
from deploy.model import Cluster
from deploy.observe.balanced import address_of, ingress_of

CALL = 3.0  # seconds
JUMP = "the hosts are reached through a jump host, so this machine is not on their network"
Door = tuple[str, str, int]
"""A Service, its address and a port of it."""


def connect(address: str, port: int) -> str:
    """Return what is wrong with a TCP connection; nothing when it comes about."""
    try:
        socket.create_connection((address, port), timeout=CALL).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def answer(cluster: Cluster, seen: Snapshot, knock: Callable[[str, int], str] = connect) -> Iterator[Finding]:
    """Each Service that MetalLB serves has an address, and its TCP ports answer."""
    if cluster.load_balancer is None:
        return
    services = seen.items("services")
    if services is None:
        yield unread("LB-04", None, seen.cause("services"))
        return
    asking = [each for each in services if each["spec"].get("type") == "LoadBalancer" and not _passing(each)]
    balanced = [each for each in asking if not _of_another(each)]
    others = f", {len(asking) - len(balanced)} of another load balancer" if balanced != asking else ""
    if cluster.ssh.jump is not None or not balanced:
        yield skipped("LB-04", None, JUMP if balanced else f"no Service asks MetalLB for an address{others}")
        return
    lacking = [_name(each) for each in balanced if address_of(each) is None]
    doors = [door for each in balanced for door in _doors(each)]
    have = f"{len(balanced) - len(lacking)}/{len(balanced)} Services have an address"
    if not lacking and not doors:
        yield skipped("LB-04", None, f"{have}, and no TCP port to knock at{others}")
        return
    silent = _silent(doors, knock)
    ports = f", {len(doors) - len(silent)}/{len(doors)} ports answer" if doors else ""
    told = [f"{name} has no address" for name in lacking]
    told += [f"{door}: {said}" for door, said in silent.items()]
    yield judged(
        "LB-04",
        None,
        not told,
        found=f"{have}{ports}{but([*lacking, *silent])}{others}",
        wanted="all",
        detail="\n".join(told),
    )


def _silent(doors: Sequence[Door], knock: Callable[[str, int], str]) -> dict[str, str]:
    """Return which ports do not answer, and why."""
    asked = [gevent.spawn(knock, address, port) for _, address, port in doors]
    return {
        f"{name} at {address}:{port}": said
        for (name, address, port), greenlet in zip(doors, asked, strict=True)
        if (said := greenlet.get())
    }


def _of_another(service: Object) -> bool:
    """Say whether somebody else serves it: MetalLB without a class of its own takes no Service with one.

    (metallb/metallb internal/k8s/controllers/service_controller.go.) It gives addresses, and never a name.
    """
    named = any(each.get("hostname") for each in ingress_of(service))
    return bool(service["spec"].get("loadBalancerClass")) or (named and address_of(service) is None)


def _passing(service: Object) -> bool:
    """Say whether a Service is on its way out, or a verify's own, which soon is."""
    metadata = service["metadata"]
    labels = metadata.get("labels") or {}
    return "deletionTimestamp" in metadata or OWNED.items() <= labels.items()


def _name(service: Object) -> str:
    return f"{namespace_of(service)}/{name_of(service)}"


def _doors(service: Object) -> Iterator[Door]:
    """Yield what can be knocked at: TCP only, UDP does not say who listens."""
    if (given := address_of(service)) is not None:
        for port in service["spec"].get("ports") or ():
            if port.get("protocol", "TCP") == "TCP":
                yield _name(service), given, int(port["port"])
