"""Every image of a stack that its chart lets name is pinned, by release, and named as the chart wants it."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.catalog import chart_keys, gpu_needs, gpu_support
from deploy.errors import InventoryError
from deploy.model import Allocation, Vendor
from deploy.steps import cert_manager, containerd, gpu_images, nfd
from tests.unit.gpu.clusters import ARC, HOPPER, INSTINCT, cluster
from tests.unit.gpu.stacks import BY_NUMBER, MIG, PLUGIN

DIGEST = f"sha256:{'0' * 64}"
OF = {Vendor.INTEL: ARC, Vendor.AMD: INSTINCT, Vendor.NVIDIA: HOPPER}
KEYS = {Vendor.INTEL: {Allocation.DEVICE_PLUGIN: "plugin_version"}}


def images(*gpus: dict[str, Any], **keys: Any) -> dict[str, str]:
    """Return the images that are locked for stacks, without the charts and cert-manager."""
    declared = cluster(*gpus, **keys)
    found = {each.key: each.ref for each in gpu_needs.images(declared) if not each.key.endswith("-chart")}
    return {key: ref for key, ref in found.items() if not key.startswith("cert-manager-")}


def image(ref: str) -> dict[str, str]:
    repository, _, tag = ref.rpartition(":")
    return {"repository": repository, "tag": f"{tag}@{DIGEST}"}


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("allocation", Allocation)
def test_every_known_release_has_its_images(vendor: Vendor, allocation: Allocation) -> None:
    gpus = {**OF[vendor], "allocation": allocation.value}
    cut = {
        Vendor.INTEL: {},
        Vendor.AMD: {"partitioning": {"compute": "SPX", "memory": "NPS1"}},
        Vendor.NVIDIA: {"partitioning": {"mig": "all-1g.10gb"}},
    }[vendor]
    key = KEYS.get(vendor, {}).get(allocation, "version")
    for version in gpu_support.supported(vendor, allocation).releases:
        stack = {key: version, **({} if vendor is Vendor.INTEL else {"monitoring": True})}
        found = images({**gpus, **cut}, gpu={vendor.value: stack})

        assert found
        assert all(ref.rpartition(":")[2] and "{" not in ref for ref in found.values())


def test_a_release_whose_images_nobody_knows_is_refused_before_it_is_locked() -> None:
    with pytest.raises(InventoryError) as error:
        images(BY_NUMBER, gpu={"nvidia": {"version": "25.10.0"}})

    assert str(error.value) == (
        "gpu.nvidia.version: no release 25.10.0 of nvidia's device-plugin stack is known; there are: 26.7.0"
    )


def test_images_go_with_their_release() -> None:
    assert images(ARC, gpu={"intel": {"version": "0.9.0"}}, version="v1.33.4") == {
        "intel-gpu-driver": "docker.io/intel/intel-gpu-resource-driver:v0.9.0"
    }
    assert images(PLUGIN, gpu={"intel": {"plugin_version": "0.35.0"}}) == {
        "intel-plugin-operator": "docker.io/intel/intel-deviceplugin-operator:0.35.0",
        "intel-gpu-plugin": "docker.io/intel/intel-gpu-plugin:0.35.0",
    }
    assert images(INSTINCT, gpu={"amd": {"version": "1.4.1"}})["amd-utils"] == (
        "docker.io/rocm/gpu-operator-utils:v1.4.1"
    )


def test_nvidias_operator_and_all_that_it_runs_are_named() -> None:
    declared = cluster(BY_NUMBER, MIG, gpu={"nvidia": {"monitoring": True, "driver": "operator"}})
    known = {each.key: image(each.ref) for each in gpu_needs.images(declared) if each.key[:7] == "nvidia-"}
    named = gpu_images.nvidia(known)

    assert set(named) == {
        "operator",
        "validator",
        "toolkit",
        "devicePlugin",
        "gfd",
        "migManager",
        "dcgmExporter",
        "driver",
    }
    assert named["toolkit"] == {
        "repository": "nvcr.io/nvidia/k8s",
        "image": "container-toolkit",
        "version": f"v1.20.0@{DIGEST}",
    }
    assert named["driver"]["manager"]["image"] == "k8s-driver-manager"
    assert chart_keys.load("nvidia-gpu-operator").unknown_values(named) == []


def test_charts_know_where_their_images_are_named() -> None:
    intel = image(images(ARC)["intel-gpu-driver"])
    operator = image(images(PLUGIN)["intel-plugin-operator"])
    amd = gpu_images.amd_operator(image(images(INSTINCT)["amd-operator"]))
    found = image("registry.k8s.io/nfd/node-feature-discovery:v0.19.0")

    named = {
        "intel-gpu-resource-driver": gpu_images.intel_driver(intel),
        "intel-device-plugins-operator": gpu_images.intel_operator(operator),
        "amd-gpu-operator": amd,
        "node-feature-discovery": {**nfd.values(), "image": found},
    }
    for chart, values in named.items():
        assert chart_keys.load(chart).unknown_values(values) == []
    assert named["intel-device-plugins-operator"] == {
        "manager": {"image": {"hub": "docker.io/intel", "tag": f"0.36.0@{DIGEST}"}}
    }
    assert gpu_images.intel_plugin(image("docker.io/intel/intel-gpu-plugin:0.36.0")) == (
        f"docker.io/intel/intel-gpu-plugin@{DIGEST}"
    )


def test_every_pod_of_cert_manager_runs_a_pinned_image_of_its_charts_version() -> None:
    declared = cluster(certificates={"provider": "cert-manager"})
    found = {each.key.removeprefix("cert-manager-"): each.ref for each in gpu_needs.images(declared)}
    chart = found.pop("chart")
    known = {part: image(ref) for part, ref in found.items()}
    named = cert_manager.images(known)

    assert chart == "quay.io/jetstack/charts/cert-manager:v1.21.1"
    assert known["webhook"] == {
        "repository": "quay.io/jetstack/cert-manager-webhook",
        "tag": f"v1.21.1@{DIGEST}",
    }
    assert named == {
        "image": known["controller"],
        **{part: {"image": known[part]} for part in known if part != "controller"},
    }
    assert {"image", "webhook", "cainjector", "acmesolver"} == set(named)
    assert chart_keys.load("cert-manager").unknown_values(named) == []


def test_pins_stand_beside_what_a_section_says() -> None:
    values = {"driver": {"enabled": True}, "mig": {"strategy": "single"}}

    assert gpu_images.pinned(values, {"driver": {"manager": {"image": "x"}}}) == {
        "driver": {"enabled": True, "manager": {"image": "x"}},
        "mig": {"strategy": "single"},
    }


def test_nvidias_registry_is_mirrored_where_something_comes_from_it() -> None:
    mirror = {"artifacts": {"registry_mirror": "http://10.0.0.2:5000"}}
    there, elsewhere = (
        {file.path.split("/")[4] for file in containerd.mirrors(cluster(gpus, **mirror))}
        for gpus in (HOPPER, INSTINCT)
    )

    assert there - elsewhere == {"nvcr.io"}
