"""Objects that somebody else brings into a state: waited for until they say that they are in it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.kube import Got
from deploy.observe import kube
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
def holds(
    resource: str, namespace: str, target: str, until: str, condition: str = "Ready", timeout: int = 180
) -> Commands:
    """The object says that the condition holds. `resource` is as kubectl takes it; `until` brings the kind."""
    words = shlex.join(["get", resource, target, f"--namespace={namespace}", "--ignore-not-found", "-o", "json"])
    found = host.get_fact(Got, words=words)
    if asked(found):
        live = next(iter(found.live.values()), None)
        if (why := unmet(live, f"{resource} {namespace}/{target}", condition)) is None:
            return
        notes.reason(why)
        if live is None:
            notes.unknown_until(until)
    wait = ["kubectl", "wait", f"--for=condition={condition}", f"{resource}/{target}"]
    yield StringCommand(
        f"{kube.ENVIRONMENT}; {shlex.join([*wait, f'--namespace={namespace}', f'--timeout={timeout}s'])} >/dev/null"
    )
