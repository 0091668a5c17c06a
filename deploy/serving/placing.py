"""Which nodes may run a model, and how its pods say so."""

from __future__ import annotations

from typing import Any

from deploy.gpu.need import NeedError, nodes_for
from deploy.model import Cluster, Gpus, Node, Taint, Toleration
from deploy.model.placement import HOSTNAME, TolerationOperator
from deploy.model.serving import Model
from deploy.model.values import TaintEffect
from deploy.serving.fit import need

Object = dict[str, Any]


def nodes(cluster: Cluster, model: Model) -> tuple[Node, ...]:
    """Return the nodes that a model's pods may land on, as far as the inventory tells."""
    return tuple(node for node in labelled(cluster, model) if not untolerated(node, model))


def labelled(cluster: Cluster, model: Model) -> tuple[Node, ...]:
    """Return the nodes that have what a model needs and selects, whatever their taints are."""
    if model.gpus:
        fitting = {node.name for node, _ in nodes_for(cluster, need(model.gpus))}
        able = [node for node in cluster.nodes if node.name in fitting]
    else:
        able = [*cluster.hosts_of_pods]
    if model.source.host_path is not None:
        able = [node for node in able if node.name == model.source.node]
    wanted = model.placement.node_selector
    return tuple(node for node in able if all(_has(node, key, value) for key, value in wanted.items()))


def gpus(cluster: Cluster, model: Model) -> tuple[tuple[Node, Gpus], ...]:
    """Return the GPUs that a model's pods may be given: of a pod all are of one model of one node."""
    if model.gpus is None:
        return ()
    able = {node.name for node in nodes(cluster, model)}
    return tuple(each for each in nodes_for(cluster, need(model.gpus)) if each[0].name in able)


def untolerated(node: Node, model: Model) -> list[Taint]:
    """Return the declared taints that keep a model's pods off a node."""
    keeping = [taint for taint in node.taints or () if taint.effect is not TaintEffect.PREFER_NO_SCHEDULE]
    return [
        taint for taint in keeping if not any(_tolerates(each, taint) for each in model.placement.tolerations)
    ]


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Say what the scheduler says (k8s.io/component-helpers scheduling/corev1, ToleratesTaint)."""
    if toleration.effect not in (None, taint.effect) or toleration.key not in (None, taint.key):
        return False
    exists = toleration.as_object()["operator"] == TolerationOperator.EXISTS
    return exists or (toleration.value or "") == taint.value


def _has(node: Node, key: str, value: str) -> bool:
    """Say whether a node has a label; one that the inventory does not set may be set by somebody else."""
    if key == HOSTNAME:
        return node.name == value
    return node.labels.get(key, value) == value


def runs_models(cluster: Cluster) -> tuple[Node, ...]:
    """Return the nodes that may run any model; a model that nobody can run is somebody else's to say."""
    able: dict[str, Node] = {}
    for model in cluster.models:
        try:
            able |= {node.name: node for node in nodes(cluster, model)}
        except NeedError:
            continue
    return tuple(node for node in cluster.nodes if node.name in able)


def affinity(cluster: Cluster, model: Model) -> Object:
    """Return the node affinity of what prepares a model: its volume comes to lie where the model can run."""
    if not model.gpus:
        return {}
    values = [node.name for node in nodes(cluster, model)]
    terms = [{"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": values}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
