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
from deploy.model import Allocation, Cluster, Gpus, KernelModule, MigStrategy, Node, Vendor
from deploy.observe.cards import DRIVERS, cards

Object = dict[str, Any]
CLAIM = "gpus"
LONGEST = 63  # characters of a label's value


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
        models, alike = declared(cluster, need.vendor), _must_be_alike(cluster, need)
        return _claimed(name, namespace, claims.spec(api, need, models, alike=alike), api, shared=need.shared)
    return _counted(cluster, need, fitting)


def digest(cluster: Cluster, need: Need) -> str:
    """Return what a claim's name ends with: none can be changed, so that another claim has another name.

    What it asks for counts, with the models that are declared; the version of the API that says so does not.
    """
    asked = selectors(need, need.models or declared(cluster, need.vendor))
    told = (need, asked, "alike") if _must_be_alike(cluster, need) else (need, asked)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:8]


def _must_be_alike(cluster: Cluster, need: Need) -> bool:
    """Say whether a claim could be met by GPUs of two models of one node, if it did not say otherwise."""
    several = any(len(node.gpus_of(need.vendor)) > 1 for node in cluster.gpu_nodes(need.vendor))
    return several and need.count > 1 and not need.models


def _claimed(name: str, namespace: str, wanted: Object, api: ResourceApi, *, shared: bool) -> Wiring:
    if shared:
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
    models = list(dict.fromkeys(labels(node, vendor)[model_label(vendor)] for node, _ in fitting))
    terms: list[Object] = [{"key": model_label(vendor), "operator": "In", "values": models}]
    if profile:
        terms.append({"key": parts_label(vendor), "operator": "In", "values": [profile]})
    elif any(profile_of(gpus) for _, gpus in cluster.declared_gpus(vendor)):
        terms.append({"key": parts_label(vendor), "operator": "DoesNotExist"})
    required = {"nodeSelectorTerms": [{"matchExpressions": terms}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


def labels(node: Node, vendor: Vendor) -> dict[str, str]:
    """Return the labels of a node by which its GPUs of a vendor are found; no plugin sets these itself."""
    own = node.gpus_of(vendor)
    profile = profile_of(own[0])
    return {
        vendor_label(vendor): "true",
        allocation_label(vendor): own[0].allocation.value,
        model_label(vendor): label_value(*(gpus.model for gpus in own)),
        **({parts_label(vendor): profile} if profile else {}),
    }


def vendor_label(vendor: Vendor) -> str:
    """Return the label of nodes with GPUs of a vendor, whatever else is said of them."""
    return f"slipway.dev/gpu-{vendor}"


def allocation_label(vendor: Vendor) -> str:
    """Return the label that says how pods get them."""
    return f"{vendor_label(vendor)}-allocation"


def model_label(vendor: Vendor) -> str:
    """Return the label that says which models they are."""
    return f"{vendor_label(vendor)}-model"


def parts_label(vendor: Vendor) -> str:
    """Return the label that says what they are cut into, where they are."""
    return f"{vendor_label(vendor)}-parts"


def label_value(*models: str) -> str:
    """Return the models of a node as the value of a label; where they are too long, the rest is a digest."""
    written = "_".join(model.replace(" ", "-").replace("/", "-") for model in sorted(models))
    if len(written) <= LONGEST:
        return written
    tail = hashlib.sha256(written.encode()).hexdigest()[:8]
    return f"{written[: LONGEST - 1 - len(tail)]}_{tail}"


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
