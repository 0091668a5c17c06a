"""One way from what a workload needs to what its pods say, whatever allocates the GPUs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from deploy.catalog import gpu as names
from deploy.catalog.gpu import ResourceApi, resource_api
from deploy.gpu import claims
from deploy.gpu.need import Need, NeedError, declared, nodes_for
from deploy.gpu.parts import profile_of
from deploy.gpu.selectors import selectors
from deploy.model import Allocation, Cluster, Gpus, KernelModule, MigStrategy, Node
from deploy.observe.cards import DRIVERS, cards

Object = dict[str, Any]
CLAIM = "gpus"
# what the gpu phase labels every node with; nodes are chosen by these, and never by what a plugin may set
VENDOR_LABEL = "slipway.dev/gpu-vendor"
MODEL_LABEL = "slipway.dev/gpu-model"
ALLOCATION_LABEL = "slipway.dev/gpu-allocation"
PARTS_LABEL = "slipway.dev/gpu-parts"


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a workload adds to its manifests to get its GPUs.

    `objects` come before the workload; `pod` is merged into the pod's spec, `resources` into the
    container's resources.
    """

    objects: list[Object] = field(default_factory=list)
    pod: Object = field(default_factory=dict)
    resources: Object = field(default_factory=dict)


def wired(cluster: Cluster, need: Need, name: str, namespace: str, served: tuple[str, ...] = ()) -> Wiring:
    """Return how a workload gets what it needs: by a claim called `name`, or by an extended resource.

    `served` are the versions of resource.k8s.io that the living cluster answers for, where that is known.
    """
    fitting = nodes_for(cluster, need)
    if fitting[0][1].allocation is Allocation.DRA:
        kubernetes = cluster.kubernetes
        api = resource_api(kubernetes.version, kubernetes.feature_gates, served)
        return _claimed(api, need, declared(cluster, need.vendor), name, namespace)
    return _counted(cluster, need, fitting)


def digest(cluster: Cluster, need: Need) -> str:
    """Return what a claim's name ends with: none can be changed, so that another claim has another name.

    What it asks for counts, with the models that are declared; the version of the API that says so does not.
    """
    asked = selectors(need, need.models or declared(cluster, need.vendor))
    return hashlib.sha256(repr((need, asked)).encode()).hexdigest()[:8]


def _claimed(api: ResourceApi, need: Need, models: tuple[str, ...], name: str, namespace: str) -> Wiring:
    wanted = claims.spec(api, need, models)
    if need.shared:
        made, source = claims.claim(api, name, namespace, wanted), {"resourceClaimName": name}
    else:
        made, source = claims.template(api, name, namespace, wanted), {"resourceClaimTemplateName": name}
    return Wiring([made], {"resourceClaims": [{"name": CLAIM, **source}]}, {"claims": [{"name": CLAIM}]})


def _counted(cluster: Cluster, need: Need, fitting: tuple[tuple[Node, Gpus], ...]) -> Wiring:
    shared = [gpus for _, gpus in fitting if gpus.sharing]
    if need.shared and not shared:
        raise NeedError(
            "pods share a GPU by a claim, or by the device plugin's sharing; these nodes have neither:"
            f" {', '.join(node.name for node, _ in fitting)}; set nodes[].gpus.sharing, or allocation: dra"
        )
    if shared and need.count > 1:
        raise NeedError(
            f"{need.count} shares may be of one and the same GPU; ask for 1 where GPUs are shared, or leave"
            f" out sharing on {', '.join(node.name for node, gpus in fitting if gpus.sharing)}"
        )
    resources = dict.fromkeys(resource_of(cluster, gpus) for _, gpus in fitting)
    if len(resources) > 1:
        raise NeedError(f"these nodes offer {' and '.join(resources)}; name the models of one of them")
    quantity = {next(iter(resources)): str(need.count)}
    return Wiring(pod=_placed(cluster, fitting), resources={"requests": quantity, "limits": dict(quantity)})


def _placed(cluster: Cluster, fitting: tuple[tuple[Node, Gpus], ...]) -> Object:
    """Return the affinity that keeps a pod on nodes with the right models.

    Parts may be offered under the name of whole cards, so that their nodes are told apart as well.
    """
    vendor, profile = fitting[0][1].vendor, profile_of(fitting[0][1])
    models = list(dict.fromkeys(label_value(gpus.model) for _, gpus in fitting))
    terms: list[Object] = [
        {"key": VENDOR_LABEL, "operator": "In", "values": [vendor.value]},
        {"key": MODEL_LABEL, "operator": "In", "values": models},
    ]
    if profile:
        terms.append({"key": PARTS_LABEL, "operator": "In", "values": [profile]})
    elif any(node.gpus and profile_of(node.gpus) for node in cluster.gpu_nodes(vendor)):
        terms.append({"key": PARTS_LABEL, "operator": "DoesNotExist"})
    required = {"nodeSelectorTerms": [{"matchExpressions": terms}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


def label_value(model: str) -> str:
    """Return a model as the value of a label."""
    return model.replace(" ", "-").replace("/", "-")


def module_of(gpus: Gpus) -> KernelModule:
    """Return the kernel module that drives a node's GPUs: the declared one, or the model's first."""
    known = [card.drivers[0] for card in cards().values() if card.model == gpus.model]
    return gpus.module or KernelModule((known or DRIVERS[gpus.vendor])[0])


def resource_of(cluster: Cluster, gpus: Gpus) -> str:
    """Return the extended resource under which a node's device plugin offers its GPUs, or their parts."""
    known, profile = names.names(gpus.vendor), profile_of(gpus)
    if profile and known.parts and cluster.gpu.nvidia.mig_strategy is MigStrategy.MIXED:
        return known.parts.format(profile=profile)
    return known.resources[module_of(gpus)]
