"""The vendors' operators say that what they run is ready."""

from __future__ import annotations

from collections.abc import Iterator

from checks.cluster.snapshot import Object, Snapshot, condition, name_of, unserved
from checks.finding import Finding
from checks.say import judged, unread
from deploy.gpu.operators import operated
from deploy.model import Cluster, Vendor

CHECKS = {Vendor.AMD: "AMD-05", Vendor.NVIDIA: "NV-05"}
READY = "ready"


def ready(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every object that an operator was given is ready; one that is ignored is one too many."""
    for vendor, operand in operated(cluster):
        check, wanted = CHECKS[vendor], f"a {operand.kind} that is {READY}"
        found = seen.items(operand.plural)
        if found is None and not unserved(seen.cause(operand.plural)):
            yield unread(check, None, seen.cause(operand.plural))
            continue
        states = {name_of(each): _state(each) for each in found or ()}
        good = bool(states) and all(state == READY for state in states.values())
        said = "; ".join(f"{name} is {state}" for name, state in states.items())
        yield judged(check, None, good, found=said or f"no {operand.kind}", wanted=wanted)


def _state(operand: Object) -> str:
    """Return `ready`, or how it is and why: NVIDIA's have a state and conditions, AMD's conditions alone."""
    up, error = condition(operand, "Ready"), condition(operand, "Error")
    is_up = up is not None and up["status"] == "True"
    state = (operand.get("status") or {}).get("state") or (READY if is_up else "not ready")
    wrong = next((each for each in (error, up) if each is not None and _wrong(each)), None)
    if wrong is None:
        return str(state)
    why = wrong.get("message") or wrong.get("reason") or "it does not say why"
    return f"{'not ready' if state == READY else state}: {why}"


def _wrong(each: Object) -> bool:
    return bool((each["status"] == "True") == (each["type"] == "Error"))
