"""The API by which GPUs are claimed: is it on and served, and in which version were claims written."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of, unserved
from checks.cluster.storage import PASSING
from checks.finding import Finding
from checks.say import judged, unread
from deploy.catalog.gpu import GROUP, resource_api, served_by_default
from deploy.model import Cluster

GATE = "DynamicResourceAllocation"
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
GATES = "--feature-gates="
KINDS = ("resourceclaimtemplates", "resourceclaims")


def on_in_kubelets(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """No kubelet that gives GPUs away by claim was told to leave DRA off."""
    for name in dict.fromkeys(node.name for node, _ in cluster.claimed_gpus()):
        settings = seen.kubelet(name)
        if settings is None:
            yield unread("DRA-01", name, seen.unconfigured(name))
            continue
        off = (settings.get("featureGates") or {}).get(GATE) is False
        yield judged("DRA-01", name, not off, found=_said("its kubelet", off), wanted=f"{GATE} on")


def on_in_control_planes(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Neither was any part of a control plane; k3s' are no pods, DRA-02 says whether its API is served."""
    if not cluster.claimed_gpus() or cluster.is_k3s:
        return
    pods = seen.items("pods")
    if pods is None:
        yield unread("DRA-01", None, seen.cause("pods"))
        return
    wanted = [f"{part}-{node.name}" for node in cluster.control_planes for part in COMPONENTS]
    given = {name_of(pod): _arguments(pod) for pod in pods if namespace_of(pod) == "kube-system"}
    if silent := [name for name in wanted if not given.get(name)]:
        yield unread("DRA-01", None, f"nothing is known of {', '.join(silent)} (K8S-09)")
        return
    without = [name for name in wanted if _is_off(given[name])]
    told = _said(", ".join(without) or "the control plane", bool(without))
    yield judged("DRA-01", None, not without, found=told, wanted=f"{GATE} on")


def _said(where: str, off: bool) -> str:
    return f"{GATE} is {'off' if off else 'on'} in {where}"


def _arguments(pod: Object) -> list[str]:
    containers = pod["spec"].get("containers") or ()
    return [
        str(word) for each in containers for word in [*(each.get("command") or ()), *(each.get("args") or ())]
    ]


def _is_off(arguments: list[str]) -> bool:
    gates = [word.removeprefix(GATES) for word in arguments if word.startswith(GATES)]
    return f"{GATE}=false" in ",".join(gates).split(",")


def served_api(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """resource.k8s.io is served in the version of the claims, and none was written in another one.

    Stored claims are shown in the served version whatever they were written in; who wrote them will write
    them in the old version again, and that will be refused.
    """
    if not cluster.claimed_gpus():
        return
    kubernetes = cluster.kubernetes
    version = resource_api(kubernetes.version, kubernetes.feature_gates).version
    wanted = f"{GROUP}/{version}, and claims in it"
    if seen.items("resourceslices") is None:
        cause = seen.cause("resourceslices")
        if unserved(cause):
            yield judged("DRA-02", None, good=False, found=f"{GROUP}/{version} is not served", wanted=wanted)
        else:
            yield unread("DRA-02", None, cause)
        return
    if missing := [kind for kind in KINDS if seen.items(kind) is None]:
        yield unread("DRA-02", None, seen.cause(missing[0]))
        return
    known = {f"{GROUP}/{each}" for each in (version, *served_by_default(kubernetes.version))}
    old = [
        f"{namespace_of(each)}/{name_of(each)} was written in {used}"
        for kind in KINDS
        for each in seen.items(kind) or ()
        for used in sorted(_written(each) - known)
    ]
    found = "; ".join(old[:3]) or f"{GROUP}/{version}"
    yield judged("DRA-02", None, not old, found=found, wanted=wanted)


def leaked(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """No claim holds its GPUs for pods that are gone; those of a verify that goes on come and go with it."""
    if not cluster.claimed_gpus():
        return
    pods, claims = seen.items("pods"), seen.items("resourceclaims")
    if pods is None or claims is None:
        yield unread("DRA-05", None, seen.cause("pods" if pods is None else "resourceclaims"))
        return
    living = {str(pod["metadata"].get("uid")) for pod in pods}
    lasting = [each for each in claims if not namespace_of(each).startswith(PASSING)]
    held = [each for each in lasting if (each.get("status") or {}).get("allocation")]
    lost = [
        f"{namespace_of(each)}/{name_of(each)} is held for {', '.join(gone)}"
        for each in held
        if (gone := _gone(each, living))
    ]
    found = "; ".join(lost[:3]) or f"{len(held)} claims hold GPUs"
    yield judged("DRA-05", None, not lost, found=found, wanted="no claim of pods that are gone")


def _gone(claim: Object, living: Collection[str]) -> list[str]:
    """Return for whom a claim is reserved, where all of them are pods that are no more."""
    holders = claim["status"].get("reservedFor") or ()
    alive = any(each.get("resource") != "pods" or str(each.get("uid")) in living for each in holders)
    return [] if alive else [str(each.get("name")) for each in holders]


def _written(claim: Object) -> set[str]:
    """Return the API versions that people and tools have written a claim in."""
    fields = claim["metadata"].get("managedFields") or ()
    return {str(each.get("apiVersion")) for each in fields if not each.get("subresource")}
