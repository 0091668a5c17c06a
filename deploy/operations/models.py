"""Jobs that must have run to their end: made when they are missing, made anew when they failed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.kube import Read
from deploy.observe import api, kube
from deploy.observe.kube import Object
from deploy.operations import notes, waiting
from deploy.operations.kube import Commands, as_list, asked, unfinished


@dataclass(frozen=True, slots=True)
class Wanted:
    """A Job, the claim that holds what it leaves behind, and how many seconds it may take.

    A Job's name tells its content: another content has another name.
    """

    job: Object
    claim: str
    seconds: int

    @property
    def name(self) -> str:
        """The Job's name."""
        return str(self.job["metadata"]["name"])


def finished(job: Mapping[str, Any]) -> bool | None:
    """Say whether a Job is complete; False when it failed, None while it runs."""
    true = {
        each["type"] for each in (job.get("status") or {}).get("conditions") or () if each["status"] == "True"
    }
    return True if "Complete" in true else False if "Failed" in true else None


def stale(job: Mapping[str, Any], claim: Mapping[str, Any] | None) -> str | None:
    """Say why a Job must be made anew; None when what it does, or did, still holds."""
    name = f"Job {job['metadata']['name']}"
    if finished(job) is False:
        return f"{name} failed, and is tried again"
    done = (job.get("status") or {}).get("completionTime", "")
    # both are written as 2026-11-30T08:00:00Z, which sorts as time does
    if done and (claim is None or claim["metadata"].get("creationTimestamp", "") > done):
        return f"{name} filled a volume that is gone, and is run again"
    return None


@operation()
def completed(namespace: str, label: str, wanted: Sequence[Wanted]) -> Commands:
    """Every Job is complete; other Jobs with the same value of `label`, of an older content, are removed."""
    claims = sorted({each.claim for each in wanted})
    paths = [_path("v1", "PersistentVolumeClaim", namespace, name) for name in claims]
    found = host.get_fact(Read, paths=[api.listed("batch/v1", "Job", namespace, label), *paths])
    there = found.live if asked(found) else {}
    by_name = {key.name: each for key, each in there.items() if key.kind == "PersistentVolumeClaim"}
    live = {key.name: each for key, each in there.items() if key.kind == "Job"}
    anew, make = [], []
    for each in wanted:
        job = live.get(each.name)
        why = stale(job, by_name.get(each.claim)) if job else f"Job {each.name} is missing"
        if why:
            notes.reason(why)
            make.append(each)
            anew += [each.name] if job else []
        elif job and finished(job) is None:
            notes.reason(f"Job {each.name} is not done yet")
    values = {each.job["metadata"]["labels"][label] for each in wanted}
    ours = {each.name for each in wanted}
    old = [
        name
        for name, job in live.items()
        if job["metadata"]["labels"].get(label) in values and name not in ours
    ]
    if old:
        notes.reason(f"{', '.join(old)} is of an older content")
    undone = [each for each in wanted if each in make or finished(live[each.name]) is not True]
    if undone or old:
        yield _script(namespace, [*anew, *old], make, undone)


def _path(version: str, kind: str, namespace: str, name: str) -> str:
    metadata = {"name": name, "namespace": namespace}
    return api.path({"apiVersion": version, "kind": kind, "metadata": metadata})


def _script(
    namespace: str, remove: Sequence[str], make: Sequence[Wanted], wait: Sequence[Wanted]
) -> StringCommand:
    lines = [kube.ENVIRONMENT, "objects=$(cat)", waiting.prelude(namespace)]
    if remove:
        delete = [
            "kubectl",
            "delete",
            "job",
            "--namespace",
            namespace,
            "--ignore-not-found",
            "--timeout=120s",
        ]
        lines.append(f"{shlex.join([*delete, '--cascade=foreground', *remove])} >/dev/null || exit 1")
    if make:
        apply = f"kubectl apply --server-side --field-manager={kube.FIELD_MANAGER} --force-conflicts -f -"
        lines.append(f"printf '%s' \"$objects\" | {apply} >/dev/null || exit 1")
    lines += [waiting.job(each.name, each.seconds) for each in wait]
    return StringCommand("\n".join(lines), _stdin=as_list([each.job for each in make]))


@operation()
def claimed(claims: Sequence[Object], until: str) -> Commands:
    """Every claim is there; one that is there is left as it is: few classes can make a volume larger."""
    found = host.get_fact(Read, paths=[api.path(claim) for claim in claims])
    there = found.live if asked(found) else {}
    missing = [claim for claim in claims if kube.key(claim) not in there]
    if found.unknown_kinds:
        notes.unknown_until(until)
    for claim in missing:
        notes.reason(f"{kube.key(claim)} is missing")
        notes.diff(str(kube.key(claim)), "", json.dumps(claim, indent=1, sort_keys=True))
    if missing:
        apply = f"kubectl apply --server-side --field-manager={kube.FIELD_MANAGER} -f -"
        yield StringCommand(f"{kube.ENVIRONMENT}; {apply} >/dev/null", _stdin=as_list(missing))


@dataclass(frozen=True, slots=True)
class Rollout:
    """A Deployment that shall be ready, its pods' labels, and how many seconds that may take."""

    name: str
    selector: str
    seconds: int


@operation()
def ready(namespace: str, rollouts: Sequence[Rollout], until: str) -> Commands:
    """Every pod of each Deployment is ready in its newest form; pods that keep ending are not waited for."""
    paths = [_path("apps/v1", "Deployment", namespace, each.name) for each in rollouts]
    found = host.get_fact(Read, paths=paths)
    live = {key.name: each for key, each in found.live.items()} if asked(found) else {}
    late = []
    for each in rollouts:
        why = unfinished(live[each.name]) if each.name in live else f"Deployment {each.name} is not there yet"
        if why:
            notes.reason(why)
            late.append(each)
        if each.name not in live:
            notes.unknown_until(until)
    if late:
        waits = [waiting.deployment(each.name, each.selector, each.seconds) for each in late]
        yield StringCommand("\n".join([kube.ENVIRONMENT, waiting.prelude(namespace), *waits]))
