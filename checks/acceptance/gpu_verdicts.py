"""What GPUs' pods have told, judged: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from checks.acceptance.gpu_pods import GROUP, MOST, NONE, ONE, PAIR, WATCH, Target, Told
from checks.cluster.gpus import devices_of
from checks.cluster.snapshot import Snapshot, name_of
from checks.finding import Finding, Status
from checks.say import judged, skipped, unread
from deploy.catalog.gpu import names
from deploy.gpu.wiring import resource_of
from deploy.model import Cluster

GIVEN, ONCE, SHARED, WATCHED, RETURNED = "GPU-14", "GPU-15", "GPU-16", "DRA-06", "DRA-05"
CLAIMS = "resourceclaims"
ABSENT = Told()

WORST_FIRST = (Status.FAIL, Status.UNAVAILABLE, Status.SKIPPED, Status.PASS)


def by_node(said: Iterable[tuple[Target, Finding]]) -> list[Finding]:
    """Return one finding per check and node, which is as bad as the worst of the node's models."""
    together: dict[tuple[str, str | None], list[tuple[Target, Finding]]] = {}
    for target, finding in said:
        together.setdefault((finding.check, finding.host), []).append((target, finding))
    return [each[0][1] if len(each) == 1 else _of_all(each) for each in together.values()]


def _of_all(said: Sequence[tuple[Target, Finding]]) -> Finding:
    worst = min((finding for _, finding in said), key=lambda each: WORST_FIRST.index(each.status))
    texts = [(target.gpus.model, finding) for target, finding in said]
    return replace(
        worst,
        found="; ".join(f"{model}: {each.found}" for model, each in texts),
        wanted="; ".join(f"{model}: {each.wanted}" for model, each in texts if each.wanted),
        detail="; ".join(f"{model}: {each.detail}" for model, each in texts if each.detail),
    )


def allotted(claims: Sequence[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """Return the devices that a claim gives each pod, by the pod's name."""
    found: dict[str, frozenset[str]] = {}
    for claim in claims:
        devices = frozenset(each["device"] for each in devices_of(claim))
        for holder in (claim.get("status") or {}).get("reservedFor") or ():
            found[holder["name"]] = found.get(holder["name"], frozenset()) | devices
    return found


def beside(target: Target, targets: Iterable[Target], told: Mapping[str, Told]) -> frozenset[str]:
    """Return the GPUs that pods see which asked for those of the node's other models."""
    others = [each for each in targets if each.node == target.node and each is not target]
    return frozenset(
        gpu
        for each in others
        for role in (ONE, *each.others)
        for gpu in each.seen_by(told.get(each.name(role), ABSENT))
    )


def given(
    target: Target,
    told: Mapping[str, Told],
    devices: Mapping[str, frozenset[str]],
    elsewhere: frozenset[str] = frozenset(),
) -> Finding:
    """A pod sees the GPUs that it was given, each once; a pod that asked for none sees none.

    `elsewhere` are those that pods with the node's other models see.
    """
    others = target.others if target.is_fillable else {}
    wanted = {NONE: 0, ONE: 1, **(others if target.is_whole else {})}
    pods = {role: told.get(target.name(role), ABSENT) for role in wanted}
    said = [
        f"{count} asked for: {_said(pods[role])}{_others(target, role, pods[role], devices)}"
        for role, count in wanted.items()
    ]
    good = all(
        pods[role].nodes is not None
        and len(target.seen_by(pods[role])) == count
        and (count or not pods[role].nodes)
        and not _others(target, role, pods[role], devices)
        for role, count in wanted.items()
    )
    seen = [gpu for each in pods.values() for gpu in target.seen_by(each)]
    if twice := sorted({each for each in seen if seen.count(each) > 1 or each in elsewhere}):
        good, said = False, [*said, f"{', '.join(twice)} in two pods"]
    if others and not target.is_whole:
        rest = [told.get(target.name(role), ABSENT) for role in others]
        lacking = [each for each in rest if not target.seen_by(each)]
        good, text = good and not lacking, _said(lacking[0]) if lacking else "given"
        said.append(f"{sum(others.values())} more for {_pods(len(others))}: {text}")
    return judged(GIVEN, target.node, good, found="; ".join(said), wanted="as many as asked for")


def _pods(count: int) -> str:
    return "another pod" if count == 1 else f"{count} others"


def _said(told: Told) -> str:
    if told.nodes is None:
        return told.why
    return " ".join(sorted(told.nodes)) or "none"


def _others(target: Target, role: str, told: Told, devices: Mapping[str, frozenset[str]]) -> str:
    """Say which GPUs a pod should have seen, where its claim names them and it sees others."""
    named = devices.get(target.name(role), frozenset())
    if told.nodes is None or not named or not named <= target.nodes.keys():
        return ""
    expected = {target.nodes[each] for each in named}
    return "" if expected == target.seen_by(told) else f" instead of {' '.join(sorted(expected))}"


def refusal(cluster: Cluster, target: Target) -> str:
    """Return what the scheduler says when there is no GPU left."""
    return (
        "cannot allocate all claims"
        if target.by_claim
        else f"Insufficient {resource_of(cluster, target.gpus)}"
    )


def once(cluster: Cluster, target: Target, before: Told, freed: Told, more: Told, every: Told) -> Finding:
    """One pod more than GPUs waits for the right reason, gets the one that is freed, and all come back.

    Of parts and shares no pod says how many it has, so that all at once are asked of whole ones alone.
    """
    refused = refusal(cluster, target)
    waits = before.nodes is None and refused.lower() in before.refused.lower()
    same = more.nodes is not None and target.seen_by(more) == target.seen_by(freed)
    back = every.nodes is not None and len(target.seen_by(every)) == target.there
    said = [
        f"with all {target.there} held: {refused if waits else before.refused or _said(before)}",
        f"with one freed: {_said(more)}",
    ]
    wanted = [refused, " ".join(sorted(target.seen_by(freed)))]
    if target.is_whole:
        wanted.append(str(target.there))
        said.append(
            f"with all freed: {len(target.seen_by(every))} in one pod"
            if every.nodes is not None
            else f"all at once: {every.why}"
        )
    return judged(
        ONCE,
        target.node,
        waits and same and (back or not target.is_whole),
        found="; ".join(said),
        wanted="; then ".join(wanted),
        detail=before.refused,
    )


def watched(target: Target, told: Mapping[str, Told]) -> Finding:
    """A monitor runs and sees every GPU while others hold them."""
    seen = told.get(target.name(WATCH), ABSENT)
    pods = (told.get(target.name(role), ABSENT) for role in (ONE, *target.others))
    held, all_ = frozenset[str]().union(*map(target.seen_by, pods)), target.seen_by(seen)
    good = seen.nodes is not None and held <= all_ and len(held) == target.there
    found = f"{len(all_)} seen, {len(held)} held by others" if seen.nodes is not None else seen.why
    return judged(
        WATCHED, target.node, good, found=found, wanted=f"all {target.there} seen and held by others"
    )


def sharing(target: Target, told: Mapping[str, Told]) -> Finding:
    """Pods that name one claim see the same GPUs, as many as it asks for."""
    wanted = {PAIR: 1, **({GROUP: target.there} if target.there > 1 else {})}
    said, good = [], True
    for role, count in wanted.items():
        pods = [told.get(target.name(f"{role}{number}"), ABSENT) for number in (1, 2)]
        same = pods[0].nodes is not None and pods[0].nodes == pods[1].nodes
        same = same and len(target.seen_by(pods[0])) == count
        said.append(f"{count} for two pods: {_said(pods[0])}" + ("" if same else f", and {_said(pods[1])}"))
        good = good and same
    return judged(SHARED, target.node, good, found="; ".join(said), wanted="the same for both")


def returned(target: Target, left: Snapshot) -> Finding:
    """No claim of a pod that is gone holds a device of the target's vendor."""
    claims = left.items(CLAIMS)
    if claims is None:
        return unread(RETURNED, target.node, left.cause(CLAIMS))
    mine = (names(target.gpus.vendor).driver, target.node)
    lost = [
        name_of(claim)
        for claim in claims
        if any((each["driver"], each["pool"]) == mine for each in devices_of(claim))
    ]
    found = f"{', '.join(lost)} still allocated" if lost else "every claim of a pod that is gone has returned"
    return judged(RETURNED, target.node, not lost, found=found, wanted="no claim left")


def untried(target: Target) -> Iterator[Finding]:
    """What cannot be tried while workloads hold GPUs, of too many shares, and of claims for parts."""
    claimed = (SHARED, WATCHED, RETURNED) if target.by_claim else ()
    if target.is_fillable:
        ids, reason = () if target.is_whole else claimed, "its GPUs are cut into parts"
    elif target.free < target.there:
        ids, reason = (ONCE, *claimed), f"{target.free} of {target.there} are free"
    else:
        ids, reason = (ONCE, *claimed), f"{target.there} pods of one share each are more than {MOST}"
    yield from (skipped(id_, target.node, reason) for id_ in ((GIVEN, *ids) if target.free < 1 else ids))


def unproven(target: Target) -> Iterator[Finding]:
    """What is not tried on a node whose pods did not get their GPUs."""
    ids = (ONCE, *((SHARED, WATCHED, RETURNED) if target.by_claim else ()))
    yield from (unread(id_, target.node, f"its pods did not get their GPUs ({GIVEN})") for id_ in ids)
