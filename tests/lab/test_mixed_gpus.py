"""One host with cards of two vendors and three models, simulated: each is given away by its own driver.

Scheduler, kubelet, containerd and Dynamic Resource Allocation are the real ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from checks.acceptance import gpu_pods
from deploy import catalog
from deploy.gpu import Need, wired
from deploy.lab import Lab
from deploy.model import Vendor, load_cluster, paths
from tests.lab.conftest import KEEP, running
from tests.lab.faces import face, with_gpus
from tests.lab.site import KUBECTL, Site, until
from tests.lab.test_gpus import verified, wrong

pytestmark = pytest.mark.trial

HOST, NODE, HOME = "n2", "mixed1", "default"
GPUS = [
    {"vendor": "intel", "model": "A770", "count": 2, "module": "xe"},
    {"vendor": "intel", "model": "B580", "count": 1},
    {"vendor": "nvidia", "model": "H100", "count": 1, "allocation": "dra"},
]
NODES = [{"name": "cp1", "roles": ["control-plane"]}, {"name": NODE, "roles": ["worker"], "gpus": GPUS}]
FORMER = "slipway.dev/gpu-vendor"
# seconds: a kubelet that is early looks at a pod's claim again after 60 to 90
PATIENCE = 120.0


@pytest.fixture(scope="module")
def hosts() -> Iterator[Lab]:
    yield from running("test-mixed", 37, 2)


@pytest.fixture(scope="module")
def mixed(hosts: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("mixed")
    site = with_gpus(hosts, "test-mixed", directory, {HOST: "arcs-and-h100"}, NODES)
    site.ok("apply", "--yes", timeout=900)
    yield site
    if KEEP not in os.environ:
        site.forget()


def labels(site: Site) -> dict[str, str]:
    found: dict[str, str] = json.loads(site.on("n1", f"{KUBECTL} get node {NODE} -o json"))["metadata"][
        "labels"
    ]
    return {name: value for name, value in found.items() if name.startswith("slipway.dev/gpu")}


def asked(site: Site, name: str, count: int, *models: str) -> None:
    """Make a pod that asks for so many of Intel's cards."""
    cluster = load_cluster(site.inventory)
    image = catalog.lock.load(paths.lock_file(site.inventory)).image(f"agnhost@{cluster.kubernetes.version}")
    wiring = wired(cluster, Need(Vendor.INTEL, count, models), name, HOME)
    made = [*wiring.objects, gpu_pods.pod(name, HOME, NODE, image.pinned, wiring)]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    site.lab.exec("n1", ["sh", "-c", f"{KUBECTL} create -f -"], stdin=text)


def pod(site: Site, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.on("n1", f"{KUBECTL} -n {HOME} get pod {name} -o json"))
    return found


def runs(site: Site, name: str) -> bool:
    return bool(pod(site, name)["status"].get("phase") == "Running")


def refusal(site: Site, name: str) -> str:
    """Return why the scheduler has no place for a pod; empty while it has not said."""
    conditions = pod(site, name)["status"].get("conditions") or ()
    return next((each["message"] for each in conditions if each.get("reason") == "Unschedulable"), "")


def test_a_second_apply_changes_nothing_and_drift_is_clean(mixed: Site) -> None:
    assert mixed.plan(code=0) == []
    assert labels(mixed) == {
        "slipway.dev/gpu-intel": "true",
        "slipway.dev/gpu-intel-allocation": "dra",
        "slipway.dev/gpu-intel-model": "A770_B580",
        "slipway.dev/gpu-nvidia": "true",
        "slipway.dev/gpu-nvidia-allocation": "dra",
        "slipway.dev/gpu-nvidia-model": "H100",
    }
    mixed.ok("drift")


def test_each_model_is_proven_by_pods(mixed: Site) -> None:
    found = verified(mixed)

    assert wrong(found) == {}
    assert {check for (check, host), each in found.items() if host == NODE and each["status"] == "pass"} >= {
        *("DRA-04", "DRA-05", "DRA-06", "GPU-10", "GPU-14", "GPU-15", "GPU-16"),
    }
    assert found["DRA-04", NODE]["found"] == "intel: 2 A770, 1 B580, 1 integrated; nvidia: 1 H100"
    for model in ("A770", "B580", "H100"):
        assert f"{model}: 0 asked for: none; 1 asked for: /dev/" in found["GPU-14", NODE]["found"]


def test_two_cards_of_one_pod_are_of_one_model(mixed: Site) -> None:
    """One A770 and one B580 are free then, which is no two that a model could be split over."""
    try:
        asked(mixed, "one", 1, "A770")
        until(lambda: runs(mixed, "one"), PATIENCE, "a pod with an A770")
        asked(mixed, "two", 2)
        until(lambda: refusal(mixed, "two") != "", PATIENCE, "the scheduler's word")
        said = refusal(mixed, "two")
        mixed.on("n1", f"{KUBECTL} -n {HOME} delete pod one")
        until(lambda: runs(mixed, "two"), PATIENCE, "a pod with two A770")
    finally:
        names = "pods/one pods/two resourceclaimtemplates/one resourceclaimtemplates/two"
        mixed.on("n1", f"{KUBECTL} -n {HOME} delete --ignore-not-found {names}")

    assert "cannot allocate all claims" in said


def test_a_card_of_one_vendor_that_is_gone_is_named_and_the_others_are_proven(mixed: Site) -> None:
    def slices() -> set[str]:
        items = json.loads(mixed.on("n1", f"{KUBECTL} get resourceslices -o json"))["items"]
        return {each["spec"]["driver"] for each in items if each["spec"].get("devices")}

    face(mixed, HOST, "arcs-alone")
    until(lambda: slices() == {"gpu.intel.com"}, PATIENCE, "slices without the H100")

    found = verified(mixed, code=3)

    face(mixed, HOST, "arcs-and-h100")
    until(lambda: len(slices()) == 2, PATIENCE, "slices with the H100")
    assert wrong(found)["DRA-04", NODE] == "intel: 2 A770, 1 B580, 1 integrated; nvidia: no device"
    assert "A770: 0 asked for: none; 1 asked for: /dev/" in found["GPU-14", NODE]["found"]


def test_what_a_former_release_called_the_node_goes_with_the_next_apply(mixed: Site) -> None:
    mixed.on("n1", f"{KUBECTL} label node {NODE} {FORMER}=intel")

    rows = {(row["phase"], row["operation"]) for row in mixed.plan()}

    # by the last of the node's vendors: until its phase a stack may serve the node by such a label
    assert ("gpu-nvidia", "Forget labels of former releases") in rows
    mixed.ok("apply", "--yes", timeout=600)
    assert FORMER not in labels(mixed)
    assert mixed.plan(code=0) == []
