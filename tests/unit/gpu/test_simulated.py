"""The lab's driver of simulated GPUs says what the vendors' drivers say, and that it is simulated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.catalog import gpu as names
from deploy.errors import InventoryError
from deploy.gpu.published import published
from deploy.lab.hardware import TABLE
from deploy.lab.places import FILES, INVENTORIES
from deploy.lab.recipes import own_images
from deploy.model import Allocation, Cluster, Vendor, load_cluster
from deploy.steps import gpu_stack

SOURCE = FILES / "gpu"
MODEL = re.compile(r'"0x(\w{4})":\s+\{"([^"]+)", "([^"]+)", "([^"]+)"\}')


def declared() -> Cluster:
    return load_cluster(INVENTORIES / "lab-gpus.yaml", keys_exist=False)


def manifest(vendor: Vendor) -> list[dict[str, Any]]:
    path = declared().gpu.stack(vendor).manifest
    assert path is not None
    return gpu_stack.manifest(INVENTORIES / path)


@pytest.mark.parametrize("vendor", Vendor)
def test_a_manifest_serves_the_nodes_that_are_declared_in_that_way(vendor: Vendor) -> None:
    [node] = declared().gpu_nodes(vendor)
    [gpus] = node.gpus
    by_kind = {each["kind"]: each for each in manifest(vendor)}
    pod = by_kind["DaemonSet"]["spec"]["template"]["spec"]

    assert pod["nodeSelector"] == gpu_stack.selector(vendor, gpus.allocation)
    assert pod["containers"][0]["image"] == own_images()["simulated-gpus"]
    assert pod["containers"][0]["args"][:2] == [f"--vendor={vendor}", f"--way={gpus.allocation}"]
    has_class = gpus.allocation is Allocation.DRA
    classes = [by_kind["DeviceClass"]["metadata"]["name"]] if "DeviceClass" in by_kind else []
    assert classes == ([names.names(vendor).whole.device_class] if has_class else [])


def test_a_manifest_that_goes_by_labels_of_former_releases_is_refused() -> None:
    objects = manifest(Vendor.INTEL)
    path = Path("own.yaml")
    gpu_stack.check_labels(path, Vendor.INTEL, objects)
    [daemons] = [each for each in objects if each["kind"] == "DaemonSet"]
    former = {"slipway.dev/gpu-vendor": "intel", "slipway.dev/gpu-allocation": "dra"}
    daemons["spec"]["template"]["spec"]["nodeSelector"] = former

    with pytest.raises(InventoryError) as error:
        gpu_stack.check_labels(path, Vendor.INTEL, objects)

    assert str(error.value) == (
        "own.yaml names slipway.dev/gpu-vendor and slipway.dev/gpu-allocation, which nodes have no more; name"
        " slipway.dev/gpu-intel (true), slipway.dev/gpu-intel-allocation or slipway.dev/gpu-intel-model"
        " instead"
    )


@pytest.mark.parametrize("vendor", Vendor)
def test_a_manifest_says_that_it_is_simulated(vendor: Vendor) -> None:
    names_ = {each["metadata"]["name"] for each in manifest(vendor) if each["kind"] != "DeviceClass"}

    assert names_ == {"simulated-gpus", f"simulated-{vendor}"}


@pytest.mark.parametrize("vendor", Vendor)
def test_the_driver_uses_the_vendors_names(vendor: Vendor) -> None:
    text = (SOURCE / "names.go").read_text()
    own = text[text.index(f'"{vendor}": {{') :].split("\n\t},")[0]
    known = names.names(vendor)

    assert f'"{known.driver}"' in own
    said = dict(re.findall(r'"(\w+)": "([\w./]+)"', own))
    assert said == {module.value: resource for module, resource in known.resources.items()}


def test_what_it_says_of_every_simulated_card_is_taken_for_that_model() -> None:
    texts = {device: name for device, name, _, _ in MODEL.findall((SOURCE / "names.go").read_text())}
    cards = {("a770", Vendor.INTEL), ("b580", Vendor.INTEL), ("mi300x", Vendor.AMD), ("h100", Vendor.NVIDIA)}
    models = yaml.safe_load(TABLE.read_text())["models"]

    for name, vendor in cards:
        known = names.names(vendor)
        attributes = {known.model.attribute: {"string": texts[models[name]["device"]]}}
        spec = {
            "driver": known.driver,
            "pool": {"name": "n"},
            "devices": [{"name": "x", "attributes": attributes}],
        }
        [found] = published([{"spec": spec}])
        assert found.is_a(vendor, name.upper()), name
