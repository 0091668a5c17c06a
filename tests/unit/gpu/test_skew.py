"""What does not go together is refused before anything is installed, with what to do instead."""

from __future__ import annotations

from typing import Any

import pytest

from deploy import catalog
from deploy.catalog import gpu_support
from deploy.catalog.entries import parts
from deploy.gpu import skew
from deploy.model import Allocation, Vendor
from deploy.model.mistake import Mistake, written
from deploy.plan import unsupported
from tests.unit.gpu.clusters import ARC, HOPPER, INSTINCT, cluster, mixed
from tests.unit.gpu.stacks import BY_NUMBER, MIG


def said(mistakes: list[Mistake]) -> list[str]:
    return [f"{written(mistake.place)}: {mistake.text}" for mistake in mistakes]


PLUGIN = {**ARC, "allocation": "device-plugin"}


@pytest.mark.parametrize(
    ("gpus", "version", "stacks", "expected"),
    [
        pytest.param(
            ARC,
            "v1.34.1",
            {},
            [
                (
                    "kubernetes.version: the kubelet of v1.34.1 loses DRA drivers after 30 quiet minutes, and"
                    " w1 allocate GPUs by DRA; wanted v1.34.2 or newer, or allocation: device-plugin"
                )
            ],
            id="a kubelet that forgets",
        ),
        pytest.param(PLUGIN, "v1.34.1", {}, [], id="which a device plugin does not mind"),
        pytest.param(
            ARC,
            "v1.33.4",
            {},
            [
                (
                    "kubernetes.version: intel's dra stack 0.11.1 needs Kubernetes 1.34 or newer, this is"
                    " v1.33.4; raise it, or choose gpu.intel.version: 0.9.0 or 0.8.0"
                )
            ],
            id="Kubernetes too old",
        ),
        pytest.param(
            ARC,
            "v1.34.4",
            {"intel": {"version": "0.8.0"}},
            [
                (
                    "gpu.intel.version: intel's dra stack 0.8.0 speaks resource.k8s.io/v1beta1, and v1.34.4"
                    " serves v1; choose gpu.intel.version: 0.11.1 or 0.10.0 or 0.9.0"
                )
            ],
            id="an API that is not served",
        ),
        pytest.param(
            INSTINCT,
            "v1.36.3",
            {"amd": {"version": "1.4.0"}},
            [
                (
                    "gpu.amd.version: no release 1.4.0 of amd's device-plugin stack is known;"
                    " there are: 1.5.1, 1.5.0, 1.4.1"
                )
            ],
            id="a release nobody knows",
        ),
        pytest.param(
            {**INSTINCT, "partitioning": {"compute": "SPX", "memory": "NPS4"}},
            "v1.36.3",
            {},
            [
                (
                    "nodes[1].gpus.partitioning: MI300X has no SPX/NPS4,"
                    " wanted SPX/NPS1, DPX/NPS2, QPX/NPS1, CPX/NPS1, CPX/NPS4"
                )
            ],
            id="a partition that is none",
        ),
        pytest.param(
            {**INSTINCT, "model": "MI210", "partitioning": {"compute": "CPX", "memory": "NPS4"}},
            "v1.36.3",
            {},
            ["nodes[1].gpus.partitioning: MI210 cannot be cut, as far as is known; leave it out"],
            id="a card that cannot be cut",
        ),
        pytest.param(
            {**BY_NUMBER, "model": "A30", "partitioning": {"mig": "all-9g.99gb"}},
            "v1.36.3",
            {},
            [
                (
                    "nodes[1].gpus.partitioning: A30 has no all-9g.99gb, wanted all-disabled, all-1g.6gb,"
                    " all-1g.6gb.me, all-2g.12gb, all-2g.12gb.me, all-4g.24gb"
                )
            ],
            id="a layout that is none",
        ),
        pytest.param(
            {**BY_NUMBER, "model": "RTX 4090", "partitioning": {"mig": "all-1g.10gb"}},
            "v1.36.3",
            {},
            ["nodes[1].gpus.partitioning: RTX 4090 cannot be cut, as far as is known; leave it out"],
            id="a card without MIG",
        ),
        pytest.param(MIG, "v1.36.3", {}, [], id="a layout of equal parts"),
        pytest.param(
            ARC,
            "v1.33.4",
            {"intel": {"manifest": "own.yaml"}},
            [],
            id="a manifest of one's own is not judged",
        ),
    ],
)
def test_what_cannot_work_is_refused(
    gpus: dict[str, Any], version: str, stacks: dict[str, Any], expected: list[str]
) -> None:
    assert said(skew.mistakes(cluster(gpus, version=version, gpu=stacks))) == expected


def test_a_mixed_cluster_of_today_is_fine() -> None:
    assert skew.mistakes(mixed()) == skew.warnings(mixed()) == []


def test_a_kubernetes_that_a_vendor_has_not_named_yet_is_a_warning() -> None:
    declared = cluster(INSTINCT, HOPPER, version="v1.37.2")

    assert skew.mistakes(declared) == []
    assert said(skew.warnings(declared)) == [
        (
            "kubernetes.version: v1.37.2 is newer than what amd's device-plugin stack 1.5.1 names,"
            " Kubernetes 1.36 at most"
        )
    ]


def test_the_plan_refuses_what_is_refused_here() -> None:
    declared = cluster(ARC, version="v1.34.1")

    assert said(unsupported(declared)) == said(skew.mistakes(declared)) != []


def test_intels_two_stacks_have_a_release_each() -> None:
    both = {"intel": {"version": "0.10.0", "plugin_version": "0.35.0"}}
    declared = cluster(ARC, PLUGIN, version="v1.35.4", gpu=both)
    unknown = cluster(ARC, PLUGIN, gpu={"intel": {"plugin_version": "0.10.0"}})

    assert skew.mistakes(declared) == []
    assert [gpu_support.release(declared, Vendor.INTEL, way) for way in Allocation] == ["0.10.0", "0.35.0"]
    assert said(skew.mistakes(unknown)) == [
        (
            "gpu.intel.plugin_version: no release 0.10.0 of intel's device-plugin stack is known; there are:"
            " 0.36.0, 0.35.0, 0.34.1"
        )
    ]


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("allocation", Allocation)
def test_every_vendor_has_a_default_for_both_ways(vendor: Vendor, allocation: Allocation) -> None:
    known = gpu_support.supported(vendor, allocation)

    assert known.default in known.releases
    assert known.level in {"L1", "L2", "L3", "L4"}
    assert bool(known.releases[known.default].api) is (allocation is Allocation.DRA)


def test_the_containerd_of_the_catalogue_has_cdi_by_itself() -> None:
    least = parts(gpu_support.load().cdi_since)

    assert parts(catalog.load().version("containerd")) >= least
