"""Models as the API shows them: their pods, their files, and what became of their memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from checks.cluster import stranded
from checks.cluster.snapshot import Object, Snapshot, condition, name_of, namespace_of
from checks.cluster.stranded import Stranded
from checks.finding import Finding, Status
from checks.say import judged, unread
from deploy.gpu.need import GIB, amount
from deploy.model import Cluster
from deploy.model.serving import Model
from deploy.model.source import SourceKind
from deploy.serving import fit, names

SHARED = 2 * GIB  # checks SRV-01
SHARD = 5 * 10**9  # checks SRV-06: hubs cut weights to files of 5 GB
MARGIN = 1.15  # checks KIT-01
# what is said of one model, and whether that is as it should be
Told = tuple[str, bool]
Look = Callable[[Model, Mapping[str, Sequence[Object]]], Told]


def _of(seen: Snapshot, kinds: Sequence[str]) -> dict[str, tuple[Object, ...]] | str:
    """Return the lists' objects in the models' namespace, or why one could not be read."""
    found = {}
    for kind in kinds:
        items = seen.items(kind)
        if items is None:
            return seen.cause(kind)
        found[kind] = tuple(each for each in items if namespace_of(each) == names.NAMESPACE)
    return found


def _judged(
    id_: str, seen: Snapshot, models: Sequence[Model], kinds: Sequence[str], look: Look, wanted: str
) -> Iterator[Finding]:
    """Yield what is said of all models together; nothing where there are none."""
    if not models:
        return
    found = _of(seen, kinds)
    if isinstance(found, str):
        yield unread(id_, None, found)
        return
    told = [look(model, found) for model in models]
    good = all(each for _, each in told)
    bad = [text for text, each in told if not each]
    yield judged(id_, None, good, found="; ".join(bad or [text for text, _ in told]), wanted=wanted)


def _named(objects: Sequence[Object], name: str) -> Mapping[str, Any] | None:
    return next((each for each in objects if name_of(each) == name), None)


def _mine(objects: Sequence[Object], model: Model, component: str) -> list[Object]:
    wanted = names.selector(model, component).items()
    return [each for each in objects if wanted <= _labels(each).items()]


def _labels(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def up(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every model has all of its pods ready, in their newest form, behind its Service."""
    judged_by = partial(_judged, "SRV-07", seen, cluster.models, ("deployments", "services", "pods"))
    wanted = "every pod ready, and a Service"
    for finding in judged_by(look=_up, wanted=wanted):
        away = _stranded(cluster, seen) if finding.status is Status.FAIL else {}
        if away:
            remedy = ". ".join(each.remedy for each in away.values())
            told = judged_by(look=partial(_up, away=away), wanted=wanted)
            yield from (replace(each, remedy=remedy) for each in told)
        else:
            yield finding


def _stranded(cluster: Cluster, seen: Snapshot) -> dict[str, Stranded]:
    """Return the models that wait for a node, by name; none where the API does not show what tells it."""
    lists = {kind: seen.items(kind) for kind in ("nodes", "persistentvolumes", "persistentvolumeclaims")}
    found = _of(seen, ("deployments", "services", "pods"))
    known = {kind: items for kind, items in lists.items() if items is not None}
    if isinstance(found, str) or len(known) < len(lists):
        return {}
    down = [model for model in cluster.models if not _up(model, found)[1]]
    told = {
        model.name: stranded.of(model, known, _mine(found["pods"], model, names.SERVER)) for model in down
    }
    return {name: each for name, each in told.items() if each}


NOBODY: Mapping[str, Stranded] = {}


def _up(model: Model, found: Mapping[str, Sequence[Object]], away: Mapping[str, Stranded] = NOBODY) -> Told:
    workload = _named(found["deployments"], names.workload(model))
    if workload is None:
        return f"{model.name} is not there", False
    status = workload.get("status") or {}
    ready = min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0))
    service = _named(found["services"], names.workload(model))
    mine = _mine(found["pods"], model, names.SERVER)
    image = workload["spec"]["template"]["spec"]["containers"][0]["image"]
    others = [each for each in mine if each["spec"]["containers"][0]["image"] != image]
    said = f"{model.name} {ready}/{model.replicas} ready"
    said += "" if service else ", no Service"
    said += f", {len(others)} with another image" if others else ""
    if ready < model.replicas and (model.name in away or mine):
        said += f": {away[model.name].text if model.name in away else _why(mine)}"
    return said, ready >= model.replicas and service is not None and bool(mine) and not others


def _why(pods: Sequence[Object]) -> str:
    """Return what a pod waits for, in the words of the kubelet or the scheduler."""
    for pod in pods:
        status = pod.get("status") or {}
        for each in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
            if waiting := (each.get("state") or {}).get("waiting"):
                return f"{waiting.get('reason', '')} {waiting.get('message', '')}".strip()
        scheduled = condition(pod, "PodScheduled")
        if scheduled and scheduled["status"] != "True":
            return str(scheduled.get("message", "not scheduled"))
    return "it loads"


def undeclared(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """No model is served that the inventory has no more: what it is computed on is missed by others."""
    found = _of(seen, ("deployments",))
    if isinstance(found, str):
        yield unread("SRV-11", None, found)  # unsaid, it would be taken for gone
        return
    declared = {model.name for model in cluster.models}
    served = [each for each in found["deployments"] if names.MODEL_LABEL in _labels(each)]
    others = [each for each in served if _labels(each)[names.MODEL_LABEL] not in declared]
    if cluster.models or others:
        said = "; ".join(_still(each) for each in others) or "none"
        yield judged("SRV-11", None, not others, found=said, wanted="none beside those that are declared")


def _still(workload: Object) -> str:
    ready, wanted = (
        (workload.get("status") or {}).get("readyReplicas", 0),
        workload["spec"].get("replicas", 1),
    )
    return f"{_labels(workload)[names.MODEL_LABEL]} {ready}/{wanted} ready, and not declared"


def kept(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every model's claim is bound to a volume that is larger than the model."""
    models = [model for model in cluster.models if model.source.kind is not SourceKind.HOST_PATH]
    wanted = f"bound, and {MARGIN:g} times the weights"
    yield from _judged("KIT-01", seen, models, ("persistentvolumeclaims",), _kept, wanted)


def _kept(model: Model, found: Mapping[str, Sequence[Object]]) -> Told:
    name = names.claim(model)
    claim = _named(found["persistentvolumeclaims"], name)
    if claim is None:
        return f"claim {name} is not there", False
    status = claim.get("status") or {}
    size = (status.get("capacity") or {}).get("storage")
    large = size is not None and amount(size) >= MARGIN * float(amount(model.weights))
    said = f"claim {name} is {status.get('phase', 'in no phase')}, {size or 'without a size'}"
    return f"{said} for {model.weights}", status.get("phase") == "Bound" and large


def pinned(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every model that was fetched was named by a digest or a commit, and its Job came to its end."""
    models = [model for model in cluster.models if names.fetched(model)]
    wanted = "fetched to the end, from a source with a digest or a commit"
    yield from _judged("KIT-02", seen, models, ("jobs", "deployments"), _pinned, wanted)


def _pinned(model: Model, found: Mapping[str, Sequence[Object]]) -> Told:
    text, done = _fetched(model, found)
    source = model.source
    fixed = bool(model.checksum or source.revision or "@sha256:" in (source.modelkit or ""))
    workload = _named(found["deployments"], names.workload(model))
    args = workload["spec"]["template"]["spec"]["containers"][0].get("args") or [""] if workload else [""]
    served = args[0] == names.folder(model)
    said = text + ("" if fixed else ", its source may change: set models[].checksum")
    return said + ("" if served else ", and is not what is served"), done and fixed and served


def _fetched(model: Model, found: Mapping[str, Sequence[Object]]) -> Told:
    jobs = _mine(found["jobs"], model, "populate")
    if not jobs:
        return f"{model.name} was not fetched: its Job is not there", False
    last = max(jobs, key=lambda job: str(job["metadata"].get("creationTimestamp", "")))
    if condition(last, "Complete"):
        return f"{model.name} was fetched", True
    failed = condition(last, "Failed")
    why = f"failed: {failed.get('message', '')}" if failed else "is not done"
    return f"Job {name_of(last)} {why}", False


def of_the_hub(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every model of the hub could be fetched, with its token where it has one."""
    models = [model for model in cluster.models if model.source.kind is SourceKind.HUB]
    yield from _judged("SRV-03", seen, models, ("jobs",), _fetched, "fetched")


def shared_memory(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """The pods of every model on several GPUs have a /dev/shm for what these say to each other."""
    models = [model for model in cluster.models if model.shards > 1]
    wanted = f">= {fit.gib(SHARED)}"
    yield from _judged("SRV-01", seen, models, ("deployments",), _shared, wanted)


def _shared(model: Model, found: Mapping[str, Sequence[Object]]) -> Told:
    workload = _named(found["deployments"], names.workload(model))
    volumes = (workload or {}).get("spec", {}).get("template", {}).get("spec", {}).get("volumes") or ()
    memory = [each["emptyDir"] for each in volumes if (each.get("emptyDir") or {}).get("medium") == "Memory"]
    size = memory[0].get("sizeLimit") if memory else None
    return f"{model.name} {size or 'has none'}", size is not None and amount(size) >= SHARED


def survived(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """No pod of a model was killed for its memory, and its limit leaves room to load a file."""
    yield from _judged("SRV-06", seen, cluster.models, ("pods",), _survived, "none killed, and room to load")


def _survived(model: Model, found: Mapping[str, Sequence[Object]]) -> Told:
    pods = _mine(found["pods"], model, names.SERVER)
    if not pods:
        return f"{model.name} has no pod", False
    statuses = [each for pod in pods for each in (pod.get("status") or {}).get("containerStatuses") or ()]
    killed = sum(
        (each.get(state) or {}).get("terminated", {}).get("reason") == "OOMKilled"
        for each in statuses
        for state in ("state", "lastState")
    )
    restarts = sum(int(each.get("restartCount", 0)) for each in statuses)
    needs = 1.2 * (min(int(amount(model.weights)), SHARD) + int(amount(fit.shared_memory(model))))
    roomy = float(amount(model.memory)) >= needs
    said = f"{model.name} {restarts} restarts"
    said += f", {killed} killed for memory" if killed else ""
    said += "" if roomy else f", {model.memory} of memory, wanted {fit.gib(int(needs))}"
    return said, bool(statuses) and not killed and roomy
