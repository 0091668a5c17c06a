"""Cluster objects as wished for: compared by a dry run on the server, changed by a server-side apply."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml
from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.kube import Read, Tried
from deploy.model.labels import MANAGED_BY
from deploy.observe import api, kube
from deploy.observe.difference import Path, differing, normalised, unmet
from deploy.observe.kube import Object, Reach
from deploy.observe.managers import as_applied, owned_by_controllers
from deploy.operations import notes

Commands = Generator[StringCommand, None, None]


@dataclass(frozen=True, slots=True)
class Webhook:
    """The pods of a webhook that makes its own certificate and mounts it from a Secret.

    A kubelet looks at mounted Secrets once in a minute or more, but at once when the pod changes: while the
    webhook is waited for, its pods are annotated.
    """

    namespace: str
    selector: str


SILENT = (
    f"the API server of this control plane did not answer through {kube.KUBECONFIG}; "
    "look at: systemctl status kubelet, crictl ps, journalctl -u kubelet"
)

_APPLY = f"""
{kube.ENVIRONMENT}
wishes=$(cat); end=$(( $(date +%s) + patience ))
until said=$(printf '%s' "$wishes" | kubectl apply --server-side --field-manager={kube.FIELD_MANAGER} \
    --force-conflicts -f - 2>&1); do
  now=$(date +%s); [ "$now" -lt "$end" ] || {{ printf '%s\\n' "$said" >&2; exit 1; }}
  [ -z "$wake" ] || kubectl annotate pods $wake --overwrite slipway.dev/woken="$now" >/dev/null 2>&1
  sleep 0.5
done
"""


def asked(found: kube.Objects) -> bool:
    """Say whether the API could be asked; without a cluster nothing is known, a silent API is an error."""
    if found.reach is Reach.SILENT:
        raise HostError("\n".join([SILENT, *found.errors]))
    if found.reach is Reach.NO_CLUSTER:
        notes.unknown_until("control-plane")
        notes.reason("there is no cluster yet")
    return found.reach is Reach.ANSWERS


def shown(obj: Mapping[str, Any] | None) -> str:
    """Return an object as the YAML of a diff; the values of a Secret by their digest."""
    if obj is None:
        return ""
    plain = normalised(obj)
    if plain.get("kind") == "Secret":
        for part in {"data", "stringData"} & plain.keys():
            plain[part] = {name: f"sha256 {_digest(value)}" for name, value in plain[part].items()}
    return yaml.safe_dump(plain, sort_keys=True)


def _digest(value: object) -> str:
    return hashlib.sha256(str(value).encode()).hexdigest()


def as_list(objects: Sequence[Object]) -> str:
    """Return objects as the one JSON document that kubectl reads from stdin."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}, sort_keys=True)


def faults(wish: Object, found: kube.Objects) -> tuple[list[Path], Object | None]:
    """Return where an object is not as wished, and how an apply would leave it (None: unknown)."""
    live, would = found.live.get(kube.key(wish)), found.would.get(kube.key(wish))
    if live is None:
        return [()], would
    if would is None:
        return unmet(wish, live), None
    return differing(normalised(live), normalised(would)), would


def _contested(wish: Object, found: kube.Objects, paths: list[Path]) -> list[str]:
    live = found.live.get(kube.key(wish))
    owners = owned_by_controllers(live, paths) if live else []
    return [
        f"{kube.key(wish)}: {field} is kept by {manager}, so slipway leaves it alone; "
        f"let {manager} keep the value that the inventory wants, or take the object out of its hands"
        for manager, field in owners
    ]


@operation()
def applied(
    objects: Sequence[Object],
    until: str,
    patience: int = 0,
    webhook: Webhook | None = None,
    unserved: str = "",
) -> Commands:
    """Each object is as wished; what people edited is taken back, what controllers keep is an error.

    `until` names the phase that installs the kinds. `patience` is how many seconds a webhook that is
    still starting is waited for. `unserved` is the error where the kinds are not served and no phase brings
    them.
    """
    found = host.get_fact(Read, paths=[api.path(each) for each in objects])
    if not asked(found):
        yield _apply(objects, patience, webhook)
        return
    if all(as_applied(wish, found.live.get(kube.key(wish))) for wish in objects):
        return  # a dry run, which costs twice as much, would find nothing
    if found.live:
        found = _tried(objects, found)
    if found.unknown_kinds:
        if unserved:
            raise HostError(unserved)
        notes.unknown_until(until)
        notes.reason("; ".join(found.errors))
    judged = [(wish, *faults(wish, found)) for wish in objects]
    if wrong := [text for wish, paths, _ in judged for text in _contested(wish, found, paths)]:
        raise HostError("\n".join(wrong))
    changes = [(wish, would) for wish, paths, would in judged if paths]
    for wish, would in changes:
        live = found.live.get(kube.key(wish))
        notes.reason(f"{kube.key(wish)} {'is missing' if live is None else 'differs'}")
        notes.diff(str(kube.key(wish)), shown(live), shown(would or wish))
    if changes:
        yield _apply([wish for wish, _ in changes], patience, webhook)


def _tried(objects: Sequence[Object], found: kube.Objects) -> kube.Objects:
    """Return what was found, and how an apply would leave it."""
    tried = host.get_fact(Tried, _stdin=as_list(objects))
    asked(tried)
    errors = tuple(dict.fromkeys([*found.errors, *tried.errors]))
    return replace(found, would=tried.would, errors=errors)


def _apply(objects: Sequence[Object], patience: int, webhook: Webhook | None) -> StringCommand:
    wake = shlex.quote(f"-n {webhook.namespace} -l {webhook.selector}" if webhook else "")
    return StringCommand(f"patience={patience} wake={wake}\n{_APPLY.strip()}", _stdin=as_list(objects))


def unfinished(workload: Mapping[str, Any]) -> str | None:
    """Say what a Deployment or DaemonSet still waits for; None when every pod of its newest form is ready."""
    name = f"{workload['kind']} {workload['metadata']['namespace']}/{workload['metadata']['name']}"
    status, generation = workload.get("status") or {}, workload["metadata"].get("generation", 0)
    if workload["kind"] == "DaemonSet":
        wanted, new = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
        ready = status.get("numberAvailable", 0)
    else:
        wanted = workload["spec"].get("replicas", 1)
        new, ready = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if status.get("observedGeneration", 0) < generation:
        return f"{name} was changed and nothing has looked at it yet"
    # a DaemonSet without a node is not done, it has not begun
    return None if wanted > 0 and new == ready == wanted else f"{name} has {ready} of {wanted} pods ready"


def _workload(namespace: str, name: str) -> str:
    kind, _, name = name.partition("/")
    return f"{api.listed('apps/v1', kind, namespace)}/{name}"


@operation()
def rolled_out(namespace: str, workloads: Sequence[str], until: str, timeout: int = 180) -> Commands:
    """Every pod of each workload (`deployment/x`, `daemonset/y`) is ready, in its newest form."""
    found = host.get_fact(Read, paths=[_workload(namespace, each) for each in workloads])
    if asked(found):
        waiting = [text for live in found.live.values() if (text := unfinished(live))]
        missing = len(workloads) - len(found.live)
        if not waiting and not missing:
            return
        notes.reason("; ".join([*waiting, *([f"{missing} not there yet"] if missing else [])]))
        if missing:
            notes.unknown_until(until)
    lines = [
        shlex.join(
            ["kubectl", "rollout", "status", "--namespace", namespace, f"--timeout={timeout}s", workload]
        )
        for workload in workloads
    ]
    yield StringCommand(" && ".join([kube.ENVIRONMENT, *lines]))


@operation()
def gone(objects: Sequence[Object], owner: str = kube.FIELD_MANAGER, *, in_the_way: bool = True) -> Commands:
    """None of the objects lives; one that another manager's label is on is left to him.

    That is an error where such a one is `in_the_way`.
    """
    found = host.get_fact(Read, paths=[api.path(each) for each in objects])
    if not asked(found):
        return
    mine = [key for key, live in found.live.items() if _manager(live) == owner]
    foreign = [str(key) for key in found.live if key not in mine]
    if foreign and in_the_way:
        raise HostError(f"{', '.join(foreign)} is in the way and was not made by slipway; delete it first")
    for key in mine:
        notes.reason(f"{key} is no longer declared")
    if mine:
        wanted = as_list([obj for obj in objects if kube.key(obj) in mine])
        delete = "kubectl delete --ignore-not-found --wait --timeout=300s -f -"
        yield StringCommand(f"{kube.ENVIRONMENT}; {delete}", _stdin=wanted)


def _manager(live: Object) -> object:
    return (live["metadata"].get("labels") or {}).get(MANAGED_BY)
