"""GPUs as the API shows them: what was declared, too few, twice, and those that nobody should hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.cluster import claims, gpus
from checks.cluster.snapshot import Answer, Snapshot, paths, silent
from checks.finding import Finding
from deploy.model import Cluster

CP = {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]}
ARC = {"vendor": "intel", "model": "A770", "count": 2}
INSTINCT = {"vendor": "amd", "model": "MI300X", "count": 8, "allocation": "device-plugin"}


def cluster(**nodes: dict[str, Any]) -> Cluster:
    declared = [
        {"name": name, "address": f"10.0.0.{20 + number}", "roles": ["worker"], "gpus": each}
        for number, (name, each) in enumerate(nodes.items())
    ]
    return Cluster.model_validate({"name": "lab", "nodes": [CP, *declared]})


CLUSTER = cluster(intel1=ARC, amd1=INSTINCT)
A770, GRAPHICS = ("A770", "0000:43:00.0"), ("Unknown", "0000:00:02.0")


def slice_of(node: str, *models: tuple[str, str]) -> dict[str, Any]:
    devices = [
        {
            "name": f"gpu-{number}",
            "attributes": {"model": {"string": model}, "resource.kubernetes.io/pciBusID": {"string": slot}},
        }
        for number, (model, slot) in enumerate(models)
    ]
    return {
        "metadata": {"name": f"{node}-x"},
        "spec": {"driver": "gpu.intel.com", "nodeName": node, "pool": {"name": node}, "devices": devices},
    }


def node(name: str, capacity: dict[str, str], allocatable: dict[str, str] | None = None) -> dict[str, Any]:
    gives = capacity if allocatable is None else allocatable
    return {"metadata": {"name": name}, "status": {"capacity": capacity, "allocatable": gives}}


def claim(device: str, *, admin: bool = False) -> dict[str, Any]:
    result = {"driver": "gpu.intel.com", "pool": "intel1", "device": device, "adminAccess": admin}
    return {
        "metadata": {"name": "llama", "namespace": "models"},
        "status": {"allocation": {"devices": {"results": [result]}}},
    }


EIGHT = {"cpu": "8", "amd.com/gpu": "8"}
GOOD: dict[str, list[dict[str, Any]]] = {
    "nodes": [node("intel1", {"cpu": "8"}), node("amd1", EIGHT)],
    "resourceslices": [slice_of("intel1", GRAPHICS, A770, A770)],
    "resourceclaims": [claim("gpu-1")],
    "resourceclaimtemplates": [],
    "deviceclasses": [{"metadata": {"name": "gpu.intel.com"}}],
}


def said(declared: Cluster = CLUSTER, **changed: list[dict[str, Any]]) -> list[str]:
    lists = {**GOOD, **changed}
    seen = Snapshot({name: Answer(json.dumps({"items": items})) for name, items in lists.items()})
    return [line(each) for each in judge(declared, seen)]


def judge(declared: Cluster, seen: Snapshot) -> list[Finding]:
    judges = (gpus.published_gpus, gpus.counted_gpus, gpus.one_allocator, gpus.cards_only)
    return [finding for each in judges for finding in each(declared, seen)]


def line(each: Finding) -> str:
    wanted = f", wanted {each.wanted}" if each.status.value == "fail" else ""
    return f"{each.status.value} {each.check} {each.host or '-'}: {each.found}{wanted}"


def test_what_was_declared_is_there_once_and_graphics_are_nobodys() -> None:
    assert said() == [
        "pass DRA-04 intel1: 2 A770, 1 integrated",
        "pass GPU-08 amd1: 8 amd.com/gpu",
        "pass GPU-10 intel1: 3 devices by DRA",
        "pass GPU-10 amd1: 8 amd.com/gpu by number",
        "pass GPU-04 -: 1 published, none of them held",
    ]


def test_a_card_that_is_gone_is_missed() -> None:
    short = said(
        resourceslices=[slice_of("intel1", GRAPHICS, A770)],
        nodes=[node("intel1", {}), node("amd1", EIGHT, {"amd.com/gpu": "7"})],
    )

    assert short[:2] == [
        "fail DRA-04 intel1: 1 A770, 1 integrated, wanted 2 A770 of gpu.intel.com",
        "fail GPU-08 amd1: 7 amd.com/gpu of 8, wanted 8",
    ]


def test_no_gpu_at_all_is_a_failure_too() -> None:
    none = said(resourceslices=[], deviceclasses=[], nodes=[node("intel1", {}), node("amd1", {})])

    assert none[:2] == [
        "fail DRA-04 intel1: no device, no device class, wanted 2 A770 of gpu.intel.com",
        "fail GPU-08 amd1: 0 amd.com/gpu, wanted 8",
    ]


def test_other_cards_than_the_declared_do_not_count() -> None:
    other = said(resourceslices=[slice_of("intel1", A770, ("A750", "0000:47:00.0"))])

    assert other[0] == "fail DRA-04 intel1: 1 A770, 1 other, wanted 2 A770 of gpu.intel.com"


def test_both_ways_on_one_node_are_an_error() -> None:
    both = said(nodes=[node("intel1", {"gpu.intel.com/xe": "2"}), node("amd1", EIGHT)])

    assert both[2] == (
        "fail GPU-10 intel1: 3 devices by DRA and 2 gpu.intel.com/xe by number, wanted dra alone"
    )


def test_graphics_that_a_workload_holds_are_found_and_a_monitor_may_look() -> None:
    assert said(resourceclaims=[claim("gpu-0")])[-1] == (
        "fail GPU-04 -: models/llama holds gpu-0 of intel1, wanted no claim for integrated graphics"
    )
    assert said(resourceclaims=[claim("gpu-0", admin=True)])[-1].startswith("pass GPU-04")


def test_shares_and_parts_are_counted_as_such() -> None:
    shared = {"vendor": "nvidia", "model": "H100", "count": 2, "allocation": "device-plugin"}
    shares = {**shared, "sharing": {"strategy": "time-slicing", "replicas": 4}}
    parts = {**shared, "partitioning": {"mig": "all-1g.10gb"}}

    assert said(cluster(n1=shares), nodes=[node("n1", {"nvidia.com/gpu": "8"})])[0] == (
        "pass GPU-08 n1: 8 nvidia.com/gpu"
    )
    assert said(cluster(n1=parts), nodes=[node("n1", {"nvidia.com/gpu": "14"})])[0] == (
        "pass GPU-08 n1: 14 nvidia.com/gpu"
    )
    assert said(cluster(n1=parts), nodes=[node("n1", {"nvidia.com/gpu": "2"})])[0] == (
        "fail GPU-08 n1: 2 nvidia.com/gpu, wanted 14"
    )


def test_cards_of_two_sizes_make_parts_of_a_name_in_two_numbers() -> None:
    a100 = {"vendor": "nvidia", "model": "A100", "count": 2, "allocation": "device-plugin"}
    parts = {**a100, "partitioning": {"mig": "all-1g.10gb"}}

    def found(count: str) -> str:
        return said(cluster(n1=parts), nodes=[node("n1", {"nvidia.com/gpu": count})])[0]

    assert [found(count)[:4] for count in ("8", "14", "9", "7")] == ["pass", "pass", "fail", "fail"]


def instincts(*models: str) -> dict[str, Any]:
    devices = [
        {"name": f"gpu-{number}", "attributes": {"productName": {"string": model}}}
        for number, model in enumerate(models)
    ]
    spec = {"driver": "gpu.amd.com", "nodeName": "n1", "pool": {"name": "n1"}, "devices": devices}
    return {"metadata": {"name": "n1-x"}, "spec": spec}


@pytest.mark.parametrize(
    ("count", "status", "wanted"),
    [(16, "pass", ""), (2, "fail", ", wanted 16 parts cpx_nps4 of 2 MI300X of gpu.amd.com")],
)
def test_every_part_of_a_cut_card_is_published(count: int, status: str, wanted: str) -> None:
    cut = {"compute": "CPX", "memory": "NPS4"}
    parts = {**INSTINCT, "count": 2, "allocation": "dra", "partitioning": cut}
    slices = [instincts(*["AMD_Instinct_MI300X_OAM"] * count)]

    found = said(
        cluster(n1=parts), resourceslices=slices, deviceclasses=[{"metadata": {"name": "gpu.amd.com"}}]
    )

    assert found[0] == f"{status} DRA-04 n1: {count} MI300X{wanted}"


def test_what_could_not_be_read_is_not_good() -> None:
    findings = judge(CLUSTER, silent(CLUSTER, "connection refused"))

    assert {each.status.value for each in findings} == {"unavailable"}
    assert [each.check for each in findings] == ["DRA-04", "GPU-08", "GPU-10", "GPU-10", "GPU-04"]


def test_a_cluster_without_gpus_is_asked_nothing_about_them() -> None:
    asked = paths(cluster())

    assert [name for name in asked if name.startswith("resource") or name == "deviceclasses"] == []
    assert paths(CLUSTER)["resourceslices"] == "/apis/resource.k8s.io/v1/resourceslices"


def api(seen: Snapshot, declared: Cluster = CLUSTER) -> list[str]:
    return [line(each) for each in claims.served_api(declared, seen)]


def answered(**changed: list[dict[str, Any]]) -> Snapshot:
    lists = {**GOOD, **changed}
    return Snapshot({name: Answer(json.dumps({"items": items})) for name, items in lists.items()})


def template(*versions: str, subresource: str = "") -> dict[str, Any]:
    fields = [
        {"manager": "kubectl", "apiVersion": f"resource.k8s.io/{each}", "subresource": subresource}
        for each in versions
    ]
    return {"metadata": {"name": "one-gpu", "namespace": "models", "managedFields": fields}}


def test_the_api_of_the_claims_is_served_and_they_were_written_in_it() -> None:
    assert api(answered(resourceclaimtemplates=[template("v1")])) == ["pass DRA-02 -: resource.k8s.io/v1"]


@pytest.mark.parametrize("kind", ["resourceclaimtemplates", "resourceclaims"])
def test_a_claim_that_was_written_in_a_version_which_is_not_served_is_named(kind: str) -> None:
    [finding] = claims.served_api(CLUSTER, answered(**{kind: [template("v1", "v1beta1")]}))

    assert line(finding) == (
        "fail DRA-02 -: models/one-gpu was written in resource.k8s.io/v1beta1,"
        " wanted resource.k8s.io/v1, and claims in it"
    )
    assert finding.remedy == (
        "Use Kubernetes 1.34 or newer, which serves resource.k8s.io/v1; write claims in that version,"
        " with what a request asks for under `exactly`"
    )


def test_what_the_cluster_itself_noted_of_a_claim_was_written_by_nobody() -> None:
    noted = template("v1beta1", subresource="status")

    assert api(answered(resourceclaims=[noted])) == ["pass DRA-02 -: resource.k8s.io/v1"]


def test_an_api_that_is_not_served_is_a_failure_and_a_silent_one_is_not_known() -> None:
    lacks = "Error from server (NotFound): the server could not find the requested resource"

    assert api(silent(CLUSTER, lacks)) == [
        ("fail DRA-02 -: resource.k8s.io/v1 is not served, wanted resource.k8s.io/v1, and claims in it")
    ]
    assert api(silent(CLUSTER, "connection refused")) == ["unavailable DRA-02 -: connection refused"]


def test_where_nobody_claims_nothing_is_said_of_the_api() -> None:
    assert api(silent(CLUSTER, "connection refused"), cluster(amd1=INSTINCT)) == []
