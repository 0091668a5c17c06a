"""Jobs that must have run to their end: made when they are missing, made anew when that holds no more."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.inside import Inside
from deploy.facts.kube import Described, Read
from deploy.observe import api, kube
from deploy.observe.inside import Look, Seen
from deploy.observe.kube import Object
from deploy.observe.rollouts import last_change
from deploy.observe.secrets import Where
from deploy.operations import notes, waiting
from deploy.operations.kube import Commands, as_list, asked

__all__ = ["Left", "Look", "Wanted", "completed", "finished", "gone", "named", "stale"]

DIGITS = 10  # of the digest in a name


@dataclass(frozen=True, slots=True)
class Left:
    """What a Job leaves behind and a pod shows: what one is called, all of their names, where to look."""

    what: str
    names: tuple[str, ...]
    look: Look


@dataclass(frozen=True, slots=True)
class Wanted:
    """A Job, the claim that holds what it leaves behind, how many seconds it may take, and what it reads.

    A Job's name tells its content: another content has another name. Its log must hold no secret, for its
    end is shown when it fails.
    """

    job: Object
    claim: str
    seconds: int
    secrets: tuple[Where, ...] = ()
    left: Left | None = None

    @property
    def name(self) -> str:
        """The Job's name."""
        return str(self.job["metadata"]["name"])


@dataclass(frozen=True, slots=True)
class Around:
    """When claims were made, and when Secrets were last changed, as the API writes times; none: not there."""

    claims: Mapping[str, str]
    secrets: Mapping[Where, str]


def named(base: str, job: Object) -> Object:
    """Return a Job whose name carries a digest of what it does: another specification is another Job."""
    text = json.dumps(job["spec"], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    return {**job, "metadata": {**job["metadata"], "name": f"{base}-{digest}"}}


def finished(job: Mapping[str, Any]) -> bool | None:
    """Say whether a Job is complete; False when it failed, None while it runs."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    true = {each["type"] for each in conditions if each.get("status") == "True"}
    return True if "Complete" in true else False if "Failed" in true else None


def stale(wanted: Wanted, job: Mapping[str, Any], around: Around) -> str | None:
    """Say why a Job must be made anew; None when what it does, or did, still holds."""
    name = f"Job {wanted.name}"
    if finished(job) is False:
        return f"{name} failed, and is tried again"
    done = (job.get("status") or {}).get("completionTime", "")
    if not done:
        return None
    # times are written as 2026-11-30T08:00:00Z, which sorts as time does
    made = around.claims.get(wanted.claim)
    if made is None or made > done:
        return f"{name} filled a volume that is gone, and is run again"
    changed = [str(each) for each in wanted.secrets if around.secrets.get(each, "") > done]
    return f"{name} read {', '.join(changed)}, which changed since, and is run again" if changed else None


def gone(wanted: Wanted, seen: Seen) -> str | None:
    """Say why a Job that is done must be made anew: what it left is not there, or nobody can tell.

    Where an image has no shell that could look, the Job's end is all that is known.
    """
    if wanted.left is None or seen.is_closed:
        return None
    again = f"Job {wanted.name} is run again"
    if seen.names is None:
        return f"each {wanted.left.what} could not be looked for ({seen.why}); {again}"
    missing = [f"{wanted.left.what} {name} is gone" for name in wanted.left.names if name not in seen.names]
    return f"{', '.join(missing)}; {again}" if missing else None


def _gone(wanted: Wanted, job: Mapping[str, Any]) -> str | None:
    if wanted.left is None or finished(job) is not True:
        return None
    return gone(wanted, host.get_fact(Inside, look=wanted.left.look))


@operation()
def completed(namespace: str, label: str, wanted: Sequence[Wanted]) -> Commands:
    """Every Job is complete; other Jobs with the same value of `label`, of an older content, are removed."""
    live, around = _read(namespace, label, wanted)
    anew, make = [], []
    for each in wanted:
        job = live.get(each.name)
        why = stale(each, job, around) or _gone(each, job) if job else f"Job {each.name} is missing"
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


def _read(namespace: str, label: str, wanted: Sequence[Wanted]) -> tuple[dict[str, Object], Around]:
    """Return the Jobs with the label, by name, and what is around the wanted ones."""
    claims = sorted({each.claim for each in wanted})
    paths = [_claim(namespace, name) for name in claims]
    found = host.get_fact(Read, paths=[api.listed("batch/v1", "Job", namespace, label), *paths])
    if not asked(found):
        return {}, Around({}, {})
    live = {key.name: each for key, each in found.live.items() if key.kind == "Job"}
    made = {
        key.name: each["metadata"].get("creationTimestamp", "")
        for key, each in found.live.items()
        if key.kind == "PersistentVolumeClaim"
    }
    return live, Around(made, _changes(sorted({where for each in wanted for where in each.secrets})))


def _claim(namespace: str, name: str) -> str:
    metadata = {"name": name, "namespace": namespace}
    return api.path({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata})


def _changes(secrets: Sequence[Where]) -> dict[Where, str]:
    """Return when each Secret was last changed; no value of one is asked for."""
    if not secrets:
        return {}
    found = host.get_fact(Described, paths=[where.path for where in secrets])
    asked(found)
    return {Where(key.namespace, key.name): last_change(each["metadata"]) for key, each in found.live.items()}


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
