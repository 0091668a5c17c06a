"""Claims and gates that this Kubernetes refuses, said before it does: by validate, and by the plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from deploy.catalog.gpu import resource_api
from deploy.cli.validate import validate
from deploy.errors import Exit, InventoryError
from deploy.gpu import Need, wired, written
from deploy.gpu.claims import monitoring, template
from deploy.model import Vendor
from deploy.steps import nvidia
from tests.unit.gpu.clusters import CP, HOPPER, cluster, mixed
from tests.unit.gpu.test_moves import plan  # noqa: F401 - a fixture

MINORS = ("v1.32.4", "v1.33.4", "v1.34.4", "v1.36.3")
OLD = """
apiVersion: resource.k8s.io/v1beta1
kind: DeviceClass
metadata: {name: gpu.nvidia.com}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: one-gpu, namespace: models}
spec:
  spec:
    devices:
      requests: [{name: gpu, deviceClassName: gpu.nvidia.com}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: driver, namespace: models}
"""


@pytest.mark.parametrize("version", MINORS)
def test_what_we_write_ourselves_is_taken(version: str) -> None:
    declared = mixed(version)
    ours = [
        obj
        for vendor in (Vendor.INTEL, Vendor.NVIDIA)
        for shared in (True, False)
        for obj in wired(declared, Need(vendor, shared=shared), "x", "models").objects
    ]

    assert len(ours) == 4
    assert written.refused(declared, ours) == []


def test_a_choice_between_models_and_a_monitor_are_taken() -> None:
    declared, api = mixed(), resource_api("v1.36.3")
    choice = wired(declared, Need(Vendor.INTEL, models=("B580", "A770")), "x", "models").objects

    assert written.refused(declared, [*choice, *monitoring(api, Vendor.INTEL, "watch", "models")]) == []


def test_the_shape_of_another_version_is_refused_in_both_directions() -> None:
    nested = template(resource_api("v1.36.3"), "x", "models", {"devices": {"requests": [{"name": "gpu"}]}})
    flat = {
        **nested,
        "apiVersion": "resource.k8s.io/v1beta1",
        "spec": {"spec": {"devices": {"requests": [{"name": "gpu", "exactly": {}}]}}},
    }

    assert written.refused(mixed(), [nested]) == [
        "ResourceClaimTemplate x: request gpu says what it wants elsewhere than under `exactly`"
    ]
    assert written.refused(mixed("v1.32.4"), [flat]) == [
        "ResourceClaimTemplate x: request gpu says what it wants elsewhere than beside its name"
    ]


def test_a_manifest_in_the_wrong_version_is_refused_by_the_plan_before_anything_is_tried(
    tmp_path: Path,
    plan: Callable[..., Any],  # noqa: F811
) -> None:
    (tmp_path / "own.yaml").write_text(OLD)
    declared = cluster(HOPPER, gpu={"nvidia": {"manifest": "own.yaml"}})

    with pytest.raises(InventoryError) as caught:
        plan(nvidia.nvidia, declared)

    assert str(caught.value) == (
        f"{tmp_path}/own.yaml (DRA-02):\n"
        "  DeviceClass gpu.nvidia.com is written in resource.k8s.io/v1beta1,"
        " v1.36.3 serves resource.k8s.io/v1\n"
        "  ResourceClaimTemplate one-gpu: request gpu says what it wants elsewhere than under `exactly`\n"
        "Write these in the version that is served; `slipway explain DRA-02` says how they differ"
    )
    assert caught.value.exit_code is Exit.USAGE


def inventory(tmp_path: Path, **gates: bool) -> Path:
    nodes = [CP, {"name": "w1", "address": "10.0.0.12", "roles": ["worker"], "gpus": HOPPER}]
    kubernetes = {"version": "v1.36.3", "feature_gates": gates}
    path = tmp_path / "home.yaml"
    path.write_text(
        yaml.safe_dump({"name": "lab", "kubernetes": kubernetes, "nodes": nodes}, sort_keys=False)
    )
    return path


def test_gates_that_1_36_has_grown_out_of_are_refused_by_validate(tmp_path: Path) -> None:
    path = inventory(tmp_path, DRAAdminAccess=True, DynamicResourceAllocation=True)

    refused = CliRunner().invoke(validate, [str(path)], standalone_mode=False).exception

    since = {"DRAAdminAccess": "1.36", "DynamicResourceAllocation": "1.35"}
    assert str(refused) == "\n".join(
        [
            f"{path} is not a valid cluster:",
            *(
                f"  kubernetes.feature_gates.{name} (line {number}): the gate is locked to true since"
                f" Kubernetes {minor}, and a later version refuses to start with it; leave it out"
                for number, (name, minor) in enumerate(since.items(), start=5)
            ),
        ]
    )
