"""Objects that somebody else brings into a state: waited for until they say that they are in it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.kube import Read
from deploy.observe import api, kube
from deploy.operations import notes
from deploy.operations.kube import Commands, asked


def unmet(live: Mapping[str, Any] | None, name: str, condition: str) -> str | None:
    """Say what an object still lacks; None when its condition holds for its newest form."""
    if live is None:
        return f"{name} is not there yet"
    generation = live["metadata"].get("generation")
    for each in (live.get("status") or {}).get("conditions") or ():
        if each.get("type") == condition:
            if each.get("observedGeneration", generation) != generation:
                return f"{name} was changed, and nothing has looked at it yet"
            if each.get("status") == "True":
                return None
            return f"{name}: {each.get('message') or each.get('reason') or f'{condition} does not hold'}"
    return f"{name} does not say {condition} yet"


@operation()
def holds(target: Mapping[str, Any], until: str, condition: str = "Ready", timeout: int = 180) -> Commands:
    """The object says that the condition holds. Of `target` the name counts alone, `until` brings it."""
    found = host.get_fact(Read, paths=[api.path(target)])
    key = kube.key(target)
    resource = f"{key.kind.lower()}.{key.group}"
    name = f"{key.namespace}/{key.name}" if key.namespace else key.name
    if asked(found):
        live = next(iter(found.live.values()), None)
        if (why := unmet(live, f"{resource} {name}", condition)) is None:
            return
        notes.reason(why)
        if live is None:
            notes.unknown_until(until)
    wait = ["kubectl", "wait", f"--for=condition={condition}", f"{resource}/{key.name}"]
    bounded = shlex.join([*wait, f"--namespace={key.namespace}", f"--timeout={timeout}s"])
    yield StringCommand(f"{kube.ENVIRONMENT}; {bounded} >/dev/null")
