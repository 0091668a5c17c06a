"""When a workload's pods were made, and when the Secrets that they read at their start were changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from deploy.observe import api, kube
from deploy.observe.secrets import Where

# they read nothing any more, and a rollout does not take them away: a pod that was evicted stays for long
OVER = ("Failed", "Succeeded")
LASTING = quote(",".join(f"status.phase!={phase}" for phase in OVER), safe="")


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


def last_change(metadata: Mapping[str, Any]) -> str:
    """Return when somebody last changed an object, as the API writes times; empty when it does not say."""
    times = [field.get("time", "") for field in metadata.get("managedFields") or ()]
    return max(times, default="")


def command(namespace: str, selector: str, secrets: Sequence[Where]) -> str:
    """Return what asks; no value of a Secret is shown."""
    pods = f"{api.listed('v1', 'Pod', namespace, selector)}&fieldSelector={LASTING}"
    return api.metadata_command([pods, *(where.path for where in secrets)])


def parse(secrets: Sequence[Where], lines: Sequence[str]) -> Ages:
    """Return what was said; whatever is not one of the Secrets is a pod."""
    said = api.parse(lines)
    pods: dict[str, str] = {}
    changed: dict[str, str] = {}
    for key, each in said.live.items():
        metadata = each["metadata"]
        if Where(key.namespace, key.name) in secrets:
            changed[key.name] = last_change(metadata)
        elif "deletionTimestamp" not in metadata:
            pods[key.name] = metadata["creationTimestamp"]
    return Ages(said.reach, pods, changed, said.errors)
