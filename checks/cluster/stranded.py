"""Models whose node is away: which they wait for, and what frees them when it does not come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.cluster.snapshot import Object, condition, name_of, namespace_of
from checks.cluster.storage import home
from deploy.model.serving import Model
from deploy.model.source import SourceKind
from deploy.serving import names

Lists = Mapping[str, Sequence[Object]]


@dataclass(frozen=True, slots=True)
class Stranded:
    """A node that is not Ready, or no node any more, and whether it has the files that the model needs."""

    model: Model
    node: str
    gone: bool
    has_files: bool

    @property
    def text(self) -> str:
        """What is found."""
        what = "its files are" if self.has_files else "its pod is"
        return f"{what} on {self.node}, which is {'no node any more' if self.gone else 'not Ready'}"

    @property
    def remedy(self) -> str:
        """What to do: a volume on a node's disk cannot move, and nothing is deleted without being told to."""
        begun = f"Start {self.node} again: {self.model.name} goes on with what is there. "
        if not self.has_files:
            return f"{begun}After five minutes another node takes its pod, where one may"
        steps = "; ".join(self._anew())
        return f"{begun}Where {self.node} is gone for good, its files are too: {steps}; then slipway apply"

    def _anew(self) -> Iterator[str]:
        kind, claim = self.model.source.kind, names.claim(self.model)
        if not self.gone:
            yield f"kubectl delete node {self.node}"
        if kind is SourceKind.HOST_PATH:
            yield f"kubectl -n {names.NAMESPACE} delete pvc {claim}; kubectl delete pv {claim}"
            yield "name another node that has them as models[].source.node"
        elif kind is SourceKind.PVC:
            yield f"make the claim {claim} anew on another node, with its files"
        else:
            yield f"kubectl -n {names.NAMESPACE} delete job -l {names.MODEL_LABEL}={self.model.name}"
            yield f"kubectl -n {names.NAMESPACE} delete pvc {claim}"
        yield f"take {self.node} out of the inventory"


def of(model: Model, lists: Lists, pods: Sequence[Object]) -> Stranded | None:
    """Return what a model that is not ready waits for; None when its nodes are Ready.

    `lists` are all nodes, volumes and claims; `pods` are the model's own.
    """
    known = {name_of(each) for each in lists["nodes"]}
    ready = {name_of(each) for each in lists["nodes"] if _is_ready(each)}
    files = _home(model, lists)
    if files and files not in ready:
        return Stranded(model, files, files not in known, has_files=True)
    # one that is being taken away has its successor, whose own words count
    staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    on = [str(pod["spec"].get("nodeName") or "") for pod in staying]
    away = next((node for node in on if node and node not in ready), None)
    return Stranded(model, away, away not in known, has_files=False) if away else None


def _is_ready(node: Object) -> bool:
    return (condition(node, "Ready") or {}).get("status") == "True"


def _home(model: Model, lists: Lists) -> str | None:
    """Return the one node from which a model's volume can be used; None where there are several."""
    claims = [each for each in lists["persistentvolumeclaims"] if namespace_of(each) == names.NAMESPACE]
    bound = {name_of(each): each["spec"].get("volumeName") for each in claims}
    volumes = {name_of(each): each for each in lists["persistentvolumes"]}
    volume = volumes.get(bound.get(names.claim(model)) or "")
    return home(volume) if volume else None
