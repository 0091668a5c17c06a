"""What the three vendors' stacks have in common: labels, charts from a registry, objects of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from deploy import catalog, context
from deploy.catalog import LockedFile, gpu_needs
from deploy.catalog import gpu as names
from deploy.errors import InventoryError
from deploy.gpu import wiring, written
from deploy.gpu.parts import devices
from deploy.gpu.wiring import allocation_label, model_label, resource_of, vendor_label
from deploy.model import Allocation, Cluster, DriverSource, Node, Vendor
from deploy.model.labels import OWNED, PRIVILEGED
from deploy.operations import gpus, kube, nodes
from deploy.operations.gpu_holders import Holding, Served
from deploy.operations.gpus import Offer
from deploy.operations.helm import Release
from deploy.operations.nodes import Declared
from deploy.serving import names as serving
from deploy.serving import timing
from deploy.steps.charts import Chart

Object = dict[str, Any]
EVERYWHERE = [{"operator": "Exists"}]  # tolerations: inventories taint nodes for the sake of their GPUs
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
# the phase that runs the models
SERVING = "serving"
# seconds for what an end of pods takes beside their own time
SLACK = 60
REWRITE = "Write these in the version that is served; `slipway explain DRA-02` says how they differ"
# what a node with GPUs was labelled with when it could have one vendor's and one model's alone
FORMER_MARK = "slipway.dev/gpu-vendor"
FORMER = (FORMER_MARK, *(f"slipway.dev/gpu-{each}" for each in ("model", "allocation", "parts")))
# Node Feature Discovery's labels that the operators look for (ROCm/gpu-operator gpu-nfd-default-rule.yaml,
# NVIDIA/gpu-operator controllers/state_manager.go)
FOUND = {
    Vendor.AMD: "feature.node.kubernetes.io/amd-gpu",
    Vendor.NVIDIA: "feature.node.kubernetes.io/pci-10de.present",
}


def namespace(name: str, **labels: str) -> Object:
    """Return a namespace for privileged pods."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": PRIVILEGED | OWNED | labels},
    }


def tolerated(nodes: Iterable[Node]) -> list[dict[str, str]]:
    """Return what lets pods onto control planes and onto these nodes, for all that they are tainted."""
    taints = [taint.key for node in nodes for taint in node.taints or ()]
    return [{"key": key, "operator": "Exists"} for key in dict.fromkeys([CONTROL_PLANE, *taints])]


def selector(vendor: Vendor, allocation: Allocation) -> dict[str, str]:
    """Return the labels of the nodes that one stack serves."""
    return {allocation_label(vendor): allocation.value}


def labels(cluster: Cluster, node: Node, vendor: Vendor) -> dict[str, str]:
    """Return the labels by which a node's GPUs of a vendor are found, by workloads and by its stack."""
    own, found = wiring.labels(node, vendor), FOUND.get(vendor)
    if found and not gpu_needs.discovered(cluster, vendor):
        own[found] = "true"
    return own


def by_operator(
    vendor: Vendor,
    phase: str,
    home: str,
    own: Callable[[Cluster], dict[str, dict[str, str]]],
    operator: Callable[[Cluster], None],
) -> None:
    """Give a vendor's GPUs away by its operator, in the one way that all of its nodes are declared to use.

    `own` returns the labels of the vendor's own by node, `operator` installs it where no manifest stands in.
    """
    cluster = context.cluster()
    if not context.speaks():
        return
    handed_over(cluster, vendor)
    labelled(cluster, vendor, own(cluster))
    if not from_manifest(cluster, vendor, phase):
        check_lock(cluster)
        operator(cluster)
    offered(cluster, vendor, phase, home)


def check_lock(cluster: Cluster) -> None:
    """Raise LockError where charts or images of stacks are locked in another release than these are to be.

    Their keys name no release, so that another one in the inventory would change nothing.
    """
    lock = catalog.lock.load(context.lock_path())
    for file in gpu_needs.files(cluster):
        lock.file(file.key, file.arch, file.version)
    for image in gpu_needs.images(cluster):
        lock.image(image.key, image.ref)


def labelled(cluster: Cluster, vendor: Vendor, more: dict[str, dict[str, str]] | None = None) -> None:
    """Label a vendor's nodes; `more` are labels of its own stack, by node."""
    wanted = [
        Declared(node.name, labels={**labels(cluster, node, vendor), **(more or {}).get(node.name, {})})
        for node in cluster.gpu_nodes(vendor)
    ]
    nodes.declared(name="Label the nodes", wanted=wanted)


def holding(cluster: Cluster, vendor: Vendor) -> Holding:
    """Return what a vendor's GPUs are held by; models are stopped where theirs are to be given away anew."""
    known = names.names(vendor)
    prefixes = sorted({each.partition("/")[0] for each in known.resources.values()})
    models = (
        Served(
            model.name,
            serving.NAMESPACE,
            serving.workload(model),
            serving.selector(model, serving.SERVER),
            timing.of(model).grace + SLACK,
        )
        for model in cluster.models
    )
    return Holding(known.driver, tuple(prefixes), tuple(models), SERVING)


def handed_over(cluster: Cluster, vendor: Vendor) -> None:
    """Make sure that no pod still holds a GPU in the way that its node has left."""
    held = holding(cluster, vendor)
    ways = {node.name: node.allocation(vendor) for node in cluster.gpu_nodes(vendor)}
    gpus.handed_over(
        name="Make sure that no GPU is given away twice",
        ways=ways,
        holding=held,
        _timeout=SLACK + held.seconds,
    )


def offered(cluster: Cluster, vendor: Vendor, until: str, *homes: str) -> None:
    """Wait until every node of a vendor offers its declared GPUs; pods of `homes` tell why one does not."""
    offers = _offers(cluster, vendor)
    operated = cluster.gpu.stack(vendor).driver is DriverSource.OPERATOR
    patience = gpus.DRIVER_PATIENCE if operated else gpus.PATIENCE
    gpus.offered(
        name="Wait for the GPUs",
        offers=offers,
        until=until,
        homes=homes,
        patience=patience,
        _timeout=patience + SLACK,
    )
    # not before: the stacks of a former release served their nodes by these
    told = last_served(cluster, vendor)
    nodes.unlabelled(name="Forget labels of former releases", names=told, labels=FORMER)


def last_served(cluster: Cluster, vendor: Vendor) -> list[str]:
    """Return the nodes of which this vendor's phase is the last; phases go in the order of Vendor."""
    order = [*Vendor]
    return [
        node.name for node in cluster.gpu_nodes(vendor) if max(node.gpu_vendors, key=order.index) is vendor
    ]


def _offers(cluster: Cluster, vendor: Vendor) -> list[Offer]:
    """Return what each node shall offer: of a driver all of its cards, of each resource those of its name."""
    found: dict[tuple[str, str | None, str], int] = {}
    for node, cards in cluster.declared_gpus(vendor):
        by_claim = cards.allocation is Allocation.DRA
        driver = names.names(vendor).driver if by_claim else None
        offer = (node.name, driver, "" if by_claim else resource_of(cluster, cards))
        found[offer] = found.get(offer, 0) + devices(cards)
    return [Offer(node, count, driver, resource) for (node, driver, resource), count in found.items()]


def registry_chart(name: str) -> Chart:
    """Return a chart that lies in a registry, by its locked digest."""
    locked = catalog.lock.load(context.lock_path()).image(f"{name}-chart")
    repository, _, version = locked.ref.rpartition(":")
    mirror = context.cluster().artifacts.registry_mirror
    if mirror:
        repository = f"{mirror.partition('://')[2]}/{repository.partition('/')[2]}"
    digest = locked.digest.removeprefix("sha256:")
    path = f"oci://{repository}@{locked.digest}"
    return Chart(path, LockedFile(name, version, path, digest))


def release(name: str, home: str, chart: Chart, values: Object) -> Release:
    """Return a release of a chart that lies in a registry; a mirror without TLS is asked without."""
    mirror = context.cluster().artifacts.registry_mirror or ""
    plain = mirror.startswith("http://")
    return Release(name, home, chart.path, chart.locked.sha256, values, plain_http=plain)


def from_manifest(cluster: Cluster, vendor: Vendor, until: str) -> bool:
    """Apply the objects that take the place of a vendor's chart, where the inventory names some."""
    path = cluster.gpu.stack(vendor).manifest
    if path is None:
        return False
    file = Path(context.lock_path()).parent / path
    objects = manifest(file)
    if wrong := written.refused(cluster, objects):
        raise InventoryError("\n".join([f"{file} (DRA-02):", *(f"  {text}" for text in wrong), REWRITE]))
    check_labels(file, vendor, objects)
    kube.applied(name="Apply the manifest", objects=objects, until=until)
    for home, workloads in _workloads(objects).items():
        kube.rolled_out(name=f"Wait for its pods in {home}", namespace=home, workloads=workloads, until=until)
    return True


def check_labels(path: Path, vendor: Vendor, objects: Iterable[Object]) -> None:
    """Raise InventoryError where a manifest names labels of former releases: its pods would find no node."""
    text = json.dumps([*objects], default=str)
    if old := [label for label in FORMER if json.dumps(label) in text]:
        raise InventoryError(
            f"{path} names {' and '.join(old)}, which nodes have no more; name"
            f" {vendor_label(vendor)} (true), {allocation_label(vendor)} or {model_label(vendor)} instead"
        )


def manifest(path: Path) -> list[Object]:
    """Read a manifest; what it does not say is an error that names the file."""
    try:
        objects = [obj for obj in yaml.safe_load_all(path.read_text()) if obj]
    except OSError as error:
        raise InventoryError(f"{path} cannot be read: {error.strerror}; gpu names it as a manifest") from None
    except yaml.YAMLError as error:
        raise InventoryError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    wrong = [obj for obj in objects if not isinstance(obj, dict) or not {"apiVersion", "kind"} <= obj.keys()]
    if wrong or not objects:
        raise InventoryError(f"{path} holds no Kubernetes objects, wanted some with apiVersion and kind")
    return objects


def _workloads(objects: Iterable[Object]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for obj in objects:
        if obj["kind"] in ("DaemonSet", "Deployment"):
            metadata = obj["metadata"]
            found.setdefault(metadata.get("namespace", "default"), []).append(
                f"{obj['kind'].lower()}/{metadata['name']}"
            )
    return found
