"""Which judge speaks for which check, and how what they say becomes findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

from checks.catalogue import Applies, Check, Phase, check, of_phase
from checks.collect.observed import Observed
from checks.finding import Finding, Severity, Status
from checks.preflight import (
    disks,
    fabric,
    gpu,
    host,
    hub,
    kernel,
    load_balancer,
    network,
    runtime,
    serving,
    signing,
    vendors,
    versions,
    volumes,
    xid,
)
from checks.preflight.ignoring import ignoring
from checks.preflight.verdicts import (
    Case,
    ClusterJudge,
    Everyone,
    HostJudge,
    Said,
    UnreadError,
    skipped,
    unavailable,
)
from deploy.model import Cluster, Node, Vendor
from deploy.observe.cards import gpus

UNREACHABLE = "HOST-00"
NO_ROOT = "HOST-01"
HOST_JUDGES: Mapping[str, HostJudge] = {
    **host.JUDGES,
    **kernel.JUDGES,
    **network.JUDGES,
    **disks.JUDGES,
    **runtime.JUDGES,
    **versions.JUDGES,
    **gpu.JUDGES,
    **signing.JUDGES,
    **vendors.JUDGES,
    **fabric.JUDGES,
    **volumes.JUDGES,
    **xid.JUDGES,
}
CLUSTER_JUDGES: Mapping[str, ClusterJudge] = {
    **versions.CLUSTER_JUDGES,
    **load_balancer.CLUSTER_JUDGES,
    **serving.CLUSTER_JUDGES,
    **hub.CLUSTER_JUDGES,
}
VENDORS = {Applies.INTEL: Vendor.INTEL, Applies.AMD: Vendor.AMD, Applies.NVIDIA: Vendor.NVIDIA}
DECLARED = ("GPU-01",)  # asked on every host whose bus could be read: an undeclared GPU is found this way
NOBODY = {
    Applies.CONTROL_PLANE: "no control plane is declared",
    Applies.STORAGE: "no storage is declared",
    Applies.GPU: "no host has or declares a GPU",
    Applies.INTEL: "no host has or declares an Intel GPU",
    Applies.AMD: "no host has or declares an AMD GPU",
    Applies.NVIDIA: "no host has or declares an NVIDIA GPU",
}


def preflight(
    cluster: Cluster,
    observations: Sequence[Observed],
    *,
    phase: Phase = Phase.PREFLIGHT,
    ignored: Collection[str] = (),
    today: date | None = None,
) -> list[Finding]:
    """Judge every host and the cluster as a whole; nothing is left out, and nothing stops at the first fault.

    `phase` DRIFT makes an error of what a planned step would mend. `ignored` are ids, in upper case.
    """
    known = {each.host: each for each in observations}
    everyone = tuple(known[node.name] for node in cluster.nodes if node.name in known)
    cases = [Case(cluster, cluster.node(each.host), each, everyone, phase) for each in everyone]
    findings = [finding for entry in of_phase(phase) for finding in _judged(entry, cluster, cases)]
    order = {node.name: place for place, node in enumerate(cluster.nodes)}
    findings.sort(key=lambda finding: order.get(finding.host or "", len(order)))
    return ignoring(findings, cluster.ignore, ignored, today or date.today())  # noqa: DTZ011 - the operator's day


def _judged(entry: Check, cluster: Cluster, cases: Sequence[Case]) -> Iterator[Finding]:
    if entry.distribution not in (None, cluster.kubernetes.distribution):
        yield _finding(entry, None, skipped(f"only {entry.distribution} has it"), Phase.PREFLIGHT)
    elif entry.id == UNREACHABLE:
        yield from (_reached(entry, case.host) for case in cases)
    elif (judge := CLUSTER_JUDGES.get(entry.id)) is not None:
        hosts = tuple(case.host for case in cases)
        yield _finding(entry, None, judge(Everyone(cluster, hosts)), Phase.PREFLIGHT)
    elif (host_judge := HOST_JUDGES.get(entry.id)) is not None:
        yield from _on_hosts(entry, host_judge, cases)


def _on_hosts(entry: Check, judge: HostJudge, cases: Sequence[Case]) -> Iterator[Finding]:
    concerned = [case for case in cases if _concerns(entry, case)]
    if not concerned:
        yield _finding(entry, None, skipped(NOBODY.get(entry.applies, "no host was read")), Phase.PREFLIGHT)
    for case in concerned:
        yield _finding(entry, case.host.host, _said(entry, judge, case), case.phase)


def _said(entry: Check, judge: HostJudge, case: Case) -> Said:
    if case.host.trouble is not None:
        if entry.id == NO_ROOT and case.host.trouble.answers:
            return Said(Status.FAIL, case.host.trouble.text, "uid 0")
        if case.host.system is None:
            return unavailable("the host could not be read")
    try:
        return judge(case)
    except UnreadError as error:
        return unavailable(str(error))


def _concerns(entry: Check, case: Case) -> bool:
    """Say whether a check is about a host: by its role, or by the GPUs that it declares or has."""
    if entry.applies is Applies.CONTROL_PLANE:
        return case.node.is_control_plane
    if entry.applies is Applies.STORAGE:
        return bool(case.cluster.folders(case.node))
    if entry.applies is Applies.ALL:
        return True
    vendors_here = _vendors(case.node, case.host)
    if entry.id in DECLARED:
        return bool(vendors_here) or case.host.pci is not None
    if entry.applies is Applies.GPU:
        return bool(vendors_here)
    return VENDORS[entry.applies] in vendors_here


def _vendors(node: Node, host: Observed) -> set[Vendor]:
    found = {card.vendor for card in gpus(host.pci)} if host.pci else set()
    return found | {*node.gpu_vendors}


def _reached(entry: Check, host: Observed) -> Finding:
    if host.trouble is None:
        return _finding(entry, host.host, Said(Status.PASS, "it answered"), Phase.PREFLIGHT)
    if host.trouble.answers:
        return _finding(entry, host.host, Said(Status.PASS, "it answered, and gave no root"), Phase.PREFLIGHT)
    return _finding(entry, host.host, Said(Status.FAIL, host.trouble.text, "an answer"), Phase.PREFLIGHT)


def _finding(entry: Check, host: str | None, said: Said, phase: Phase) -> Finding:
    """Return a verdict as a finding; before an install, what a planned step mends is a warning."""
    severity = said.severity or entry.severity
    detail, remedy = said.detail, said.remedy if said.remedy is not None else entry.remedy
    failing = said.status is Status.FAIL
    mender = None if said.lasting else said.mended_by or entry.mended_by
    if failing and mender and phase is Phase.PREFLIGHT:
        severity = min(severity, Severity.WARNING, key=tuple(reversed(Severity)).index)
        detail = "; ".join(part for part in (detail, f"will be set by {mender}") if part)
        if said.mended_by:
            remedy = ""  # what an apply brings, nobody is to install by hand before it
    return Finding(
        check=entry.id,
        host=host,
        status=said.status,
        severity=severity,
        found=said.found,
        wanted=said.wanted,
        detail=detail,
        remedy=remedy if failing else "",
        group=entry.group,
    )


def stops(findings: Iterable[Finding]) -> list[Finding]:
    """Return what an apply must not begin with: errors that no planned step mends and nobody accepted.

    An unreachable host is not among them: the engine knows which hosts a run can do without.
    """
    return [
        finding
        for finding in findings
        if finding.severity is Severity.ERROR
        and finding.ignored is None
        and finding.check != UNREACHABLE
        and (finding.status is Status.FAIL or _unjudged(finding))
    ]


def _unjudged(finding: Finding) -> bool:
    """What could not be read stops an apply, unless a planned step sets it or the host is out of reach."""
    return (
        finding.status is Status.UNAVAILABLE
        and finding.found != "the host could not be read"
        and check(finding.check).mended_by is None
    )
