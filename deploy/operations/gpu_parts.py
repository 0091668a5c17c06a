"""GPUs that are cut while nothing uses them: by AMD's config manager, a node at a time, or by a label."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.kube import Got, Read
from deploy.observe import api, gpu_use, kube
from deploy.observe.gpu_use import Holder
from deploy.observe.kube import Key, Object
from deploy.operations import gpu_holders, notes
from deploy.operations.gpu_holders import Holding
from deploy.operations.kube import Commands, asked

# ROCm/gpu-operator docs/dcm/applying-partition-profiles.rst; ROCm/device-config-manager
# pkg/config_manager/configmanager.go: it acts when the profile's label changes, says how it ended by another
# one, and tries again every minute
PROFILE = "dcm.amd.com/gpu-config-profile"
STATE, DONE = f"{PROFILE}-state", "success"
TAINT = "amd-dcm"
# seconds, once for its image and once for the driver to come back and for a second try
PATIENCE = 900
POLL = 5
IN_USE = "A GPU that is in use cannot be cut."
BACKSLASH_DOT = r"\."
CUTTER = "-n kube-amd-gpu -l app.kubernetes.io/name=device-config-manager"
LOGS, PODS = f"kubectl logs {CUTTER}", f"kubectl get pods {CUTTER}"


@operation()
def cut(profiles: Mapping[str, str], holding: Holding) -> Commands:
    """Every node's cards are cut by its profile, while a taint keeps other pods than the cutter's away."""
    nodes = host.get_fact(Read, paths=[api.listed("v1", "Node")])
    if not asked(nodes):
        yield StringCommand("true")
        return
    wanted = {}
    for name, profile in profiles.items():
        live = nodes.live.get(Key("", "Node", "", name))
        if live is None:
            notes.unknown_until("workers")
            notes.reason(f"{name} is not a node of the cluster yet")
        elif not _is_cut(live, profile):
            wanted[name] = profile
    if not wanted:
        return
    yield from gpu_holders.freed(_held(wanted, holding), holding, IN_USE)
    for name, profile in wanted.items():
        notes.reason(
            f"{name}'s cards are cut to {profile}; pods that do not tolerate {TAINT} leave it for that"
        )
    yield StringCommand("\n".join([kube.ENVIRONMENT, *(script(*each) for each in wanted.items())]))


@operation()
def unused(layouts: Mapping[str, str], label: str, whole: str, holding: Holding) -> Commands:
    """Nobody holds GPUs of nodes that another value of `label` is to cut; without one they are `whole`."""
    nodes = host.get_fact(Read, paths=[api.listed("v1", "Node")])
    if not asked(nodes):
        return
    labels = {key.name: live["metadata"].get("labels") or {} for key, live in nodes.live.items()}
    anew = [
        name
        for name, layout in layouts.items()
        if name in labels and labels[name].get(label, whole) != layout
    ]
    if anew:
        yield from gpu_holders.freed(_held(anew, holding), holding, IN_USE)


def _is_cut(node: Object, profile: str) -> bool:
    """Say whether a node's cards were cut by a run that came to its end, and still are after a boot."""
    labels, taints = node["metadata"].get("labels") or {}, (node.get("spec") or {}).get("taints") or ()
    cut = (labels.get(PROFILE), labels.get(STATE)) == (profile, DONE)
    return cut and not any(each["key"] == TAINT for each in taints)


def _held(nodes: Iterable[str], holding: Holding) -> list[Holder]:
    pods = host.get_fact(Read, paths=[api.listed("v1", "Pod")])
    claims = host.get_fact(Got, words="get resourceclaims --all-namespaces -o json")
    if not (asked(pods) and asked(claims)):
        raise HostError("the API does not say who holds the GPUs that are to be cut; apply again")
    living = pods.live.values()
    return [
        holder
        for node in nodes
        for holder in (
            *gpu_use.holders_by_number(living, node, holding.prefixes),
            *gpu_use.holders_by_claim(claims.live.values(), living, node, holding.driver),
        )
    ]


def script(node: str, profile: str) -> str:
    """Return what cuts one node's cards; however it ends, the node is open to pods again.

    The taint drives the operator itself away, so that it has to have started the config manager before.
    A profile that could not be applied is not left on the node, so that the next run tries again.
    """
    name, value = shlex.quote(node), shlex.quote(profile)
    answer = shlex.quote(f"jsonpath={{.metadata.labels.{STATE.replace('.', BACKSLASH_DOT)}}}")
    there = f"{PODS} --field-selector spec.nodeName={name},status.phase=Running -o name"
    away = shlex.quote(
        f"{node} has no config manager that runs, so its cards were not cut; see `{PODS} -o wide`"
    )
    late = shlex.quote(f"{node} was not cut to {profile}, the config manager says so in `{LOGS}`:")
    return f"""(
end=$(( $(date +%s) + {PATIENCE} ))
until [ -n "$({there})" ]; do
  [ "$(date +%s)" -lt "$end" ] || {{ echo {away} >&2; exit 1; }}
  sleep {POLL}
done
trap 'kubectl taint node {name} {TAINT}:NoExecute- >/dev/null' EXIT
kubectl label node {name} {PROFILE}- {STATE}- >/dev/null || exit 1
kubectl taint node {name} {TAINT}=up:NoExecute --overwrite >/dev/null || exit 1
kubectl label node {name} {PROFILE}={value} >/dev/null || exit 1
end=$(( $(date +%s) + {PATIENCE} ))
until s=$(kubectl get node {name} -o {answer}); [ "$s" = {DONE} ]; do
  [ "$(date +%s)" -lt "$end" ] || {{
    kubectl label node {name} {PROFILE}- >/dev/null
    echo {late} "${{s:-nothing}}" >&2
    exit 1
  }}
  sleep {POLL}
done
) || exit 1"""
