"""When a workload's pods were made, and when the Secrets that they read at their start were changed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deploy.observe import kube
from deploy.observe.secrets import Where

PODS = (
    "{{range .items}}pod {{.metadata.name}} {{.metadata.creationTimestamp}}"
    ' {{if .metadata.deletionTimestamp}}Ending{{else}}{{.status.phase}}{{end}}{{"\\n"}}{{end}}'
)
# they read nothing any more, and a rollout does not take them away: a pod that was evicted stays for long
OVER = ("Ending", "Failed", "Succeeded")
CHANGED = (
    '{{$name := .metadata.name}}{{range .metadata.managedFields}}secret {{$name}} {{.time}}{{"\\n"}}{{end}}'
)


@dataclass(frozen=True, slots=True)
class Ages:
    """Times as the API writes them, which sort as text: of each pod, and of each Secret's last change."""

    reach: kube.Reach
    pods: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    def outdated(self) -> list[str]:
        """Say which pods are older than a Secret that they read."""
        return [
            f"{pod} has run since {made}, and Secret {name} changed on {changed}"
            for pod, made in sorted(self.pods.items())
            for name, changed in sorted(self.secrets.items())
            if changed > made
        ]


def command(namespace: str, selector: str, secrets: Sequence[Where]) -> str:
    """Return what asks; no value of a Secret is shown."""
    pods = shlex.join(["get", "pods", "-n", namespace, "-l", selector, "-o", f"go-template={PODS}"])
    asked = [kube.get_command(pods)]
    for where in secrets:
        words = ["get", "secret", "-n", where.namespace, where.name, "--ignore-not-found"]
        words += ["--show-managed-fields", "-o", f"go-template={CHANGED}"]
        asked.append(f"kubectl --request-timeout=20s {shlex.join(words)} 2>&1 || true")
    return "\n".join(asked)


def parse(lines: Sequence[str]) -> Ages:
    """Return what was printed; what is neither a pod nor a Secret is what the API objected."""
    pods: dict[str, str] = {}
    secrets: dict[str, str] = {}
    others: list[str] = []
    for line in lines:
        match line.split():
            case ["pod", name, time, phase]:
                pods |= {} if phase in OVER else {name: time}
            case ["secret", name, time]:
                secrets[name] = max(time, secrets.get(name, ""))
            case _:
                others.append(line)
    said = kube.parse(others)
    return Ages(said.reach, pods, secrets, said.errors)
