"""A node with GPUs of several vendors and models, as the API shows it: each is counted, in one finding."""

from __future__ import annotations

from typing import Any

from test_gpu_judges import A770, ARC, GRAPHICS, INSTINCT, cluster, node, said, slice_of

from deploy.model import Cluster

B580 = ("B580", "0000:49:00.0")
BATTLEMAGE = {"vendor": "intel", "model": "B580", "count": 1}
HOPPER = {"vendor": "nvidia", "model": "H100", "count": 1, "allocation": "dra"}


def beside(*gpus: dict[str, Any]) -> Cluster:
    return cluster(mixed1=list(gpus))  # type: ignore[arg-type]


def seen_of(*slices: dict[str, Any], **capacity: str) -> dict[str, list[dict[str, Any]]]:
    offers = {key.replace("_", "/"): value for key, value in capacity.items()}
    classes = [{"metadata": {"name": f"gpu.{vendor}.com"}} for vendor in ("intel", "nvidia")]
    return {"nodes": [node("mixed1", offers)], "resourceslices": list(slices), "deviceclasses": classes}


def of_nvidia(name: str, *models: str) -> dict[str, Any]:
    found = slice_of(name, *((model, "") for model in models))
    found["spec"]["driver"] = "gpu.nvidia.com"
    for each in found["spec"]["devices"]:
        each["attributes"] = {"productName": each["attributes"]["model"]}
    return found


def test_each_model_and_each_vendor_of_one_node_is_counted() -> None:
    declared = beside(ARC, BATTLEMAGE, HOPPER)
    arcs, hopper = (
        slice_of("mixed1", GRAPHICS, A770, A770, B580),
        of_nvidia("mixed1", "NVIDIA H100 80GB HBM3"),
    )

    assert said(declared, **seen_of(arcs, hopper))[:2] == [
        "pass DRA-04 mixed1: intel: 2 A770, 1 B580, 1 integrated; nvidia: 1 H100",
        "pass GPU-10 mixed1: intel: 4 devices by DRA; nvidia: 1 devices by DRA",
    ]
    assert said(declared, **seen_of(arcs))[:2] == [
        (
            "fail DRA-04 mixed1: intel: 2 A770, 1 B580, 1 integrated; nvidia: no device, wanted intel: 2"
            " A770, 1 B580 of gpu.intel.com; nvidia: 1 H100 of gpu.nvidia.com"
        ),
        "unavailable GPU-10 mixed1: it offers no GPU of nvidia in either way (DRA-04, GPU-08)",
    ]
    other = slice_of("mixed1", A770, A770, A770)
    assert said(declared, **seen_of(other, hopper))[0].startswith(
        "fail DRA-04 mixed1: intel: 3 A770; nvidia: 1 H100, wanted"
    )


def test_one_vendor_by_claim_and_one_by_number_are_two_ways_on_one_node_and_one_each() -> None:
    declared = beside(ARC, INSTINCT)
    arcs = slice_of("mixed1", A770, A770)
    twice = seen_of(arcs, **{"amd.com_gpu": "8", "gpu.intel.com_xe": "2"})

    assert said(declared, **seen_of(arcs, **{"amd.com_gpu": "8"}))[:3] == [
        "pass DRA-04 mixed1: 2 A770",
        "pass GPU-08 mixed1: 8 amd.com/gpu",
        "pass GPU-10 mixed1: intel: 2 devices by DRA; amd: 8 amd.com/gpu by number",
    ]
    assert said(declared, **twice)[2] == (
        "fail GPU-10 mixed1: intel: 2 devices by DRA and 2 gpu.intel.com/xe by number; amd: 8 amd.com/gpu by"
        " number, wanted intel: dra alone; amd: device-plugin alone"
    )


def test_two_models_by_number_are_counted_each_by_its_name() -> None:
    by_number = [
        {**each, "allocation": "device-plugin", "module": module}
        for each, module in ((ARC, "i915"), (BATTLEMAGE, "xe"))
    ]

    seen = seen_of(**{"gpu.intel.com_i915": "2", "gpu.intel.com_xe": "0"})
    assert said(beside(*by_number), **seen)[0] == (
        "fail GPU-08 mixed1: A770: 2 gpu.intel.com/i915; B580: 0 gpu.intel.com/xe, wanted A770: 2; B580: 1"
    )
