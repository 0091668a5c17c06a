"""Volumes as the API shows them: one default class, claims that are bound, what outlives its claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of
from checks.finding import Finding
from checks.say import judged, skipped, unread
from deploy.model import Cluster
from deploy.model.placement import HOSTNAME
from deploy.model.storage import LOCAL_PATH_CLASS

CHECK = "K8S-10"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
LISTS = ("storageclasses", "persistentvolumeclaims", "persistentvolumes", "pods")
OBJECT_STORE = "object-store"
KEPT = (OBJECT_STORE,)  # the namespaces whose volumes outlive their claims
PASSING = "slipway-verify-"  # what a verify makes is gone a moment later


def home(volume: Object) -> str | None:
    """Return the one node from which a volume can be used; None where there are several, or it may be any."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required") or {}
    nodes = {
        value
        for term in required.get("nodeSelectorTerms") or ()
        for wanted in term.get("matchExpressions") or ()
        if wanted["key"] == HOSTNAME and wanted["operator"] == "In"
        for value in wanted["values"]
    }
    return nodes.pop() if len(nodes) == 1 else None


def in_order(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """There is exactly one default class, every claim that is used has its volume, and ours are kept."""
    if cluster.storage is None and cluster.object_store is None:
        return
    lists = {name: seen.items(name) for name in LISTS}
    if unknown := [name for name, found in lists.items() if found is None]:
        yield unread(CHECK, None, seen.cause(unknown[0]))
        return
    classes, claims, volumes, pods = (lists[name] or () for name in LISTS)
    wrong = [
        *_defaults(cluster, classes),
        *_unbound(classes, claims, pods),
        *_deleted_with_their_claim(claims, volumes),
    ]
    if not classes:
        wrong = ["there is no storage class"]
    lasting = [claim for claim in claims if not namespace_of(claim).startswith(PASSING)]
    found = f"{_names(_default(classes)) or 'no class'} by default, {len(lasting)} claims"
    yield judged(
        CHECK,
        None,
        not wrong,
        found="; ".join(wrong) or found,
        wanted="one default class, and a volume for every claim that a pod uses",
    )


def _default(classes: Sequence[Object]) -> list[Object]:
    return [each for each in classes if (each["metadata"].get("annotations") or {}).get(DEFAULT) == "true"]


def _names(objects: Sequence[Object]) -> str:
    return ", ".join(sorted(name_of(each) for each in objects))


def _defaults(cluster: Cluster, classes: Sequence[Object]) -> Iterator[str]:
    """Yield what is wrong with the default; a cluster may want none where another's class is named."""
    marked = _default(classes)
    if len(marked) > 1:
        yield f"{len(marked)} classes are the default: {_names(marked)}"
    elif cluster.storage is not None and cluster.storage.default and _names(marked) != LOCAL_PATH_CLASS:
        yield f"{_names(marked) or 'no class'} is the default, not {LOCAL_PATH_CLASS}"


def _unbound(classes: Sequence[Object], claims: Sequence[Object], pods: Sequence[Object]) -> Iterator[str]:
    """Yield claims without a volume; one that waits for its first pod is as it should be."""
    waiting = {name_of(each) for each in classes if each.get("volumeBindingMode") == "WaitForFirstConsumer"}
    used = {(namespace_of(pod), claim) for pod in pods for claim in _claims(pod)}
    for claim in claims:
        phase = (claim.get("status") or {}).get("phase", "of unknown state")
        where = (namespace_of(claim), name_of(claim))
        patient = claim["spec"].get("storageClassName") in waiting and where not in used
        if where[0].startswith(PASSING) or phase == "Bound" or (phase == "Pending" and patient):
            continue
        yield f"{'/'.join(where)} is {phase}"


def _claims(pod: Object) -> Iterator[str]:
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"]["claimName"]


def _deleted_with_their_claim(claims: Sequence[Object], volumes: Sequence[Object]) -> Iterator[str]:
    policies = {name_of(each): each["spec"].get("persistentVolumeReclaimPolicy") for each in volumes}
    for claim in claims:
        volume = claim["spec"].get("volumeName")
        if namespace_of(claim) in KEPT and volume and policies.get(volume) != "Retain":
            yield f"the volume of {namespace_of(claim)}/{name_of(claim)} would be deleted with it"


def store_is_up(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """The object store's pod is ready in its newest form, on a volume of its own."""
    store = cluster.object_store
    if store is None:
        return
    if store.is_external:
        yield skipped("S3-01", None, f"{store.url} is not of this cluster")
        return
    name = store.provider.value
    workloads, claims = seen.items("statefulsets"), seen.items("persistentvolumeclaims")
    if workloads is None or claims is None:
        yield unread(
            "S3-01", None, seen.cause("statefulsets" if workloads is None else "persistentvolumeclaims")
        )
        return
    ready = _ready(_mine(workloads, name))
    claim = _mine(claims, name)
    phase = (claim.get("status") or {}).get("phase", "of unknown state") if claim else "missing"
    yield judged(
        "S3-01",
        None,
        ready == 1 and phase == "Bound",
        found=f"{'no workload' if ready is None else f'{ready}/1 pods'}, the claim is {phase}",
        wanted="1/1 pods, the claim is Bound",
    )


def _mine(objects: Sequence[Object], name: str) -> Object | None:
    return next(
        (each for each in objects if (namespace_of(each), name_of(each)) == (OBJECT_STORE, name)), None
    )


def _ready(workload: Object | None) -> int | None:
    """Return how many pods are ready in the newest form; one that nobody has looked at yet has none."""
    if workload is None:
        return None
    status = workload.get("status") or {}
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return 0
    return int(min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0)))
