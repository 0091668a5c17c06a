"""GPUs as the cluster gives them away: all of them, each in one way only."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.kernel import Sysctls
from deploy.facts.kube import Got, Read
from deploy.model import Allocation
from deploy.observe import api, gpu_use, kube
from deploy.observe.kube import Objects
from deploy.operations import gpu_holders, kernel, notes
from deploy.operations.gpu_holders import Holding
from deploy.operations.kube import Commands, asked

# a driver starts, the kubelet registers it, it publishes: seconds each; images of GBs are pulled before
PATIENCE = 600
# an operator's driver is pulled or built, and NVIDIA's alone may then take 21 minutes to start
# (NVIDIA/gpu-operator a22dbf6 deployments/gpu-operator/values.yaml, driver.startupProbe)
DRIVER_PATIENCE = 2700
POLL = 2
# a pod that waits for nothing is left out: its line ends in the colon
_WAITS = r"""
late() { # TEXT: of the pods behind it, too, say what they wait for
  echo "$*" >&2
  each=' {.state.waiting.reason} {.state.waiting.message}'
  shape='{range .items[?(@.status.phase!="Succeeded")]}{.metadata.name} on {.spec.nodeName}:'
  shape="$shape"'{range .status.conditions[?(@.status=="False")]} {.reason} {.message};{end}'
  shape="$shape{range .status.initContainerStatuses[*]}$each{end}"
  shape="$shape{range .status.containerStatuses[*]}$each{end}"
  for home in $homes; do
    kubectl -n "$home" get pods -o jsonpath="$shape"'{"\n"}{end}' 2>&1
  done | tr -s ' ' | grep -v ': *$' | head -n 8 >&2
  exit 1
}
"""
LEFT = (
    "These got their GPUs in the way that the inventory has left, and two ways at once would give one GPU to"
    " two pods."
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a node shall offer: `count` devices of a DRA `driver`, or without one of the `resource`."""

    node: str
    count: int
    driver: str | None
    resource: str

    @property
    def _question(self) -> str:
        if self.driver is None:
            path = self.resource.replace(".", r"\.")
            wanted = f"jsonpath={{.status.allocatable.{path}}}"
            return shlex.join(["kubectl", "get", "node", self.node, "-o", wanted])
        devices = "{range .spec.devices[*]} {.name}{end}"
        names = f'{{range .items[*]}}{{.spec.driver}}/{{.spec.nodeName}}{devices}{{"\\n"}}{{end}}'
        wanted = shlex.quote(f"{self.driver}/{self.node}")
        count = f"awk -v wanted={wanted} '$1 == wanted {{ n += NF - 1 }} END {{ print n + 0 }}'"
        return f"kubectl get resourceslices -o jsonpath='{names}' | {count}"

    def wait(self) -> str:
        """Return what ends when the node offers enough; at `$end` it is `late`, with what it offers."""
        before = shlex.quote(f"{self.node} offers")
        after = shlex.quote(f"of {self.count} {self.driver or self.resource}")
        return (
            f'until n=$({self._question}); [ "${{n:-0}}" -ge {self.count} ]; do\n'
            f'  [ "$(date +%s)" -lt "$end" ] || late {before} "${{n:-0}}" {after}\n'
            f"  sleep {POLL}\n"
            "done"
        )


def script(offers: Sequence[Offer], homes: Sequence[str], seconds: int) -> str:
    """Return what waits until all nodes offer enough, so long for all of them together.

    `homes` are the namespaces whose pods would tell why not.
    """
    start = f"homes={shlex.quote(' '.join(homes))}\nend=$(( $(date +%s) + {seconds} ))"
    return "\n".join([_WAITS.strip(), start, *(offer.wait() for offer in offers)])


def short(offers: Sequence[Offer], nodes: Objects, slices: Objects) -> list[str]:
    """Say which nodes offer fewer GPUs than they shall."""
    devices = gpu_use.devices(slices.live.values())
    live = {key.name: node for key, node in nodes.live.items()}
    found = []
    for offer in offers:
        if offer.driver is None:
            there = gpu_use.allocatable(live.get(offer.node, {}), offer.resource)
        else:
            there = devices[offer.node, offer.driver]
        if there < offer.count:
            found.append(f"{offer.node} offers {there} of {offer.count} {offer.driver or offer.resource}")
    return found


@operation()
def offered(
    offers: Sequence[Offer], until: str, homes: Sequence[str] = (), patience: int = PATIENCE
) -> Commands:
    """Every node offers the GPUs that it is declared to have; `until` is the phase that brings them."""
    nodes = host.get_fact(Read, paths=[api.listed("v1", "Node")])
    if asked(nodes):
        missing = short(offers, nodes, _slices(offers))
        if not missing:
            return
        for text in missing:
            notes.reason(text)
        notes.unknown_until(until)
    yield StringCommand("\n".join([kube.ENVIRONMENT, script(offers, homes, patience)]))


def _slices(offers: Sequence[Offer]) -> Objects:
    if not any(offer.driver for offer in offers):
        return Objects(kube.Reach.ANSWERS)
    # which version of the kind is served is the API's to say
    found: Objects = host.get_fact(Got, words="get resourceslices -o json")
    asked(found)
    return found


@operation()
def handed_over(ways: Mapping[str, Allocation], holding: Holding) -> Commands:
    """No pod holds a node's GPUs in the other way than the declared one: they would be given twice."""
    pods = host.get_fact(Read, paths=[api.listed("v1", "Pod")])
    if not asked(pods):
        return
    claims = host.get_fact(Got, words="get resourceclaims --all-namespaces -o json")
    asked(claims)
    held = [
        holder
        for node, way in ways.items()
        for holder in (
            gpu_use.holders_by_number(pods.live.values(), node, holding.prefixes)
            if way is Allocation.DRA
            else gpu_use.holders_by_claim(claims.live.values(), pods.live.values(), node, holding.driver)
        )
    ]
    yield from gpu_holders.freed(held, holding, LEFT)


@operation()
def tuned(values: Mapping[str, int], at_least: Mapping[str, int], path: str) -> Commands:
    """Kernel parameters as sysctls_set has them, but for those that this kernel does not have at all."""
    found = host.get_fact(Sysctls, keys=[*values, *at_least])
    if found is None:
        raise HostError("could not read /proc/sys and the files of sysctl.d")
    known = {key: value for key, value in values.items() if key in found.live}
    least = {key: value for key, value in at_least.items() if key in found.live}
    if known or least:
        yield from kernel.sysctls_set._inner(known, path, least)
