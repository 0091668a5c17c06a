"""GPUs in use that are to be given away anew; models of the inventory are stopped for that."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyinfra.api import StringCommand

from deploy.errors import HostError
from deploy.model.row import Disturbs
from deploy.observe import gpu_use, kube
from deploy.observe.gpu_use import Holder
from deploy.observe.kube import Object
from deploy.operations import notes
from deploy.operations.kube import Commands

POLL = 2


@dataclass(frozen=True, slots=True)
class Served:
    """A model of the inventory: its Deployment, its pods' labels, how many seconds these may take to end."""

    name: str
    namespace: str
    workload: str
    labels: Mapping[str, str]
    seconds: int

    def has(self, pod: Object) -> bool:
        """Say whether a pod is one of the model's."""
        metadata = pod["metadata"]
        mine = self.labels.items() <= (metadata.get("labels") or {}).items()
        return bool(metadata["namespace"] == self.namespace and mine)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a vendor's GPUs are held by: claims of its driver, resources whose names begin with a prefix.

    `models` that hold some are stopped where need be, and started again by the phase `until`.
    """

    driver: str
    prefixes: tuple[str, ...]
    models: tuple[Served, ...] = ()
    until: str = ""

    @property
    def seconds(self) -> int:
        """How long the models may take to end, one after the other."""
        return sum(model.seconds for model in self.models)


def freed(held: Sequence[Holder], holding: Holding, why: str) -> Commands:
    """Stop the models that hold GPUs; another holder is an error, and says `why`.

    A pod that is deleted would be made again, and take a GPU as the one before did.
    """
    models = holding.models
    others = {holder.text: ends for holder in held if (ends := _ends(holder, models))}
    if others:
        commands = dict.fromkeys(f"  {each}" for ends in others.values() for each in ends)
        raise HostError("\n".join([*others, f"{why} End them, then apply again:", *commands]))
    pods = [pod for holder in held for pod in holder.pods]
    stops = [model for model in models if any(map(model.has, pods))]
    if not stops:
        return
    for holder in held:
        notes.reason(holder.text)
    names = ", ".join(model.name for model in stops)
    verb = "is" if len(stops) == 1 else "are"
    notes.reason(f"{names} {verb} stopped for that, and started again by the phase {holding.until}")
    notes.disturbs(Disturbs.MODEL)
    yield StringCommand("\n".join([kube.ENVIRONMENT, *(script(model) for model in stops)]))


def _ends(holder: Holder, models: Sequence[Served]) -> list[str]:
    """Return what ends a holder, as far as it is not the models'."""
    strangers = [pod for pod in holder.pods if not any(model.has(pod) for model in models)]
    return [gpu_use.ends(pod) for pod in strangers] if holder.pods else [holder.end]


def script(model: Served) -> str:
    """Return what stops a model and waits until its pods have given their GPUs back."""
    selector = ",".join(f"{key}={value}" for key, value in model.labels.items())
    home = ["kubectl", "-n", model.namespace]
    scale = shlex.join([*home, "scale", f"deployment/{model.workload}", "--replicas=0"])
    pods = shlex.join([*home, "get", "pods", "-l", selector, "-o", "name"])
    late = shlex.quote(f"the pods of {model.name} have not ended after {model.seconds} s:")
    return f"""{scale} >/dev/null || exit 1
end=$(( $(date +%s) + {model.seconds} ))
until left=$({pods}) && [ -z "$left" ]; do
  [ "$(date +%s)" -lt "$end" ] || {{ echo {late} $left >&2; exit 1; }}
  sleep {POLL}
done"""
