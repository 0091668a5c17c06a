"""Models' volumes, made once and left as they are, and their Deployments, waited for until they serve."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.kube import Read
from deploy.observe import api, kube
from deploy.observe.kube import Object
from deploy.operations import notes, waiting
from deploy.operations.kube import Commands, as_list, asked, unfinished


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
    folder = api.listed("apps/v1", "Deployment", namespace)
    paths = [f"{folder}/{each.name}" for each in rollouts]
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
