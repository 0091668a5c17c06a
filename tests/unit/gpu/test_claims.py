"""Claims as each Kubernetes version wants them, whole, and against that version's own schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, ValidationError

from deploy.catalog.gpu import resource_api
from deploy.gpu import Need, NeedError, wired
from deploy.gpu.claims import monitoring
from deploy.gpu.selectors import selectors
from deploy.model import Vendor
from tests.unit.gpu.clusters import ARC, BATTLEMAGE, CP, HOPPER, INSTINCT, cluster, mixed

HERE = Path(__file__).parent
MINORS = ("1.32", "1.33", "1.34", "1.36")
PREFERRED = Need(Vendor.INTEL, models=("B580", "A770"))


def rendered(minor: str) -> list[dict[str, Any]]:
    """Return every kind of claim that a workload may want, as one minor takes it."""
    version = f"v{minor}.4"
    declared = mixed(version)
    needs = {
        "one-pod-one-gpu": Need(Vendor.INTEL, models=("A770",)),
        "one-pod-several": Need(Vendor.INTEL, 2, models=("A770",)),
        "several-pods-one-gpu": Need(Vendor.INTEL, models=("A770",), shared=True),
        "several-pods-several": Need(Vendor.INTEL, 2, models=("A770",), shared=True),
        "any-declared-model": Need(Vendor.INTEL),
        "enough-memory": Need(Vendor.INTEL, memory="16Gi"),
        "nvidia-by-model": Need(Vendor.NVIDIA, 4, memory="80G"),
    }
    parts = cluster({**HOPPER, "partitioning": {"mig": "all-1g.10gb"}}, version=version)
    cpx = {**INSTINCT, "allocation": "dra", "partitioning": {"compute": "CPX", "memory": "NPS4"}}
    found = [obj for name, need in needs.items() for obj in wired(declared, need, name, "models").objects]
    found += wired(parts, Need(Vendor.NVIDIA, profile="1g.10gb"), "nvidia-part", "models").objects
    found += wired(
        cluster(cpx, version=version), Need(Vendor.AMD, profile="cpx_nps4"), "amd-part", "models"
    ).objects
    api = resource_api(version)
    if api.first_available:
        found += wired(declared, PREFERRED, "better-first", "models").objects
    if api.admin_access:
        found += monitoring(api, Vendor.INTEL, "watch", "gpu-monitoring")
    return found


@pytest.mark.parametrize("minor", MINORS)
def test_claims_are_what_the_version_takes(minor: str) -> None:
    golden = HERE / "golden" / f"claims-{minor}.yaml"

    assert rendered(minor) == list(yaml.safe_load_all(golden.read_text()))


@pytest.mark.parametrize("minor", MINORS)
def test_claims_are_valid_by_the_versions_own_schema(minor: str) -> None:
    for obj in rendered(minor):
        if obj["kind"] != "Namespace":
            validate(obj, minor)


def validate(obj: dict[str, Any], minor: str) -> None:
    """Raise for what a minor does not know; its schemas are upstream's, with unknown keys refused."""
    document = json.loads((HERE / "schemas" / f"resource-{minor}.json").read_text())
    kind = document["kinds"][f"{obj['apiVersion']} {obj['kind']}"]
    schema = {"$ref": f"#/definitions/{kind}", "definitions": document["definitions"]}
    Draft7Validator(schema).validate(obj)


def test_the_shape_of_one_version_is_refused_by_the_other() -> None:
    flat, nested = rendered("1.32")[0], rendered("1.34")[0]
    flat["apiVersion"], nested["apiVersion"] = nested["apiVersion"], flat["apiVersion"]

    with pytest.raises(ValidationError, match="'allocationMode', 'count', 'deviceClassName'"):
        validate(flat, "1.34")
    with pytest.raises(ValidationError, match="'deviceClassName' is a required property"):
        validate(nested, "1.32")


def test_what_a_living_cluster_serves_goes_before_what_its_version_is_known_to_serve() -> None:
    need = Need(Vendor.INTEL)

    def version(*served: str) -> str:
        return str(wired(mixed("v1.33.4"), need, "x", "default", served).objects[0]["apiVersion"])

    assert version() == "resource.k8s.io/v1beta2"
    assert version("v1beta1") == "resource.k8s.io/v1beta1"
    assert version("v1beta1", "v1beta2", "v1") == "resource.k8s.io/v1"


def test_integrated_graphics_are_never_among_the_models() -> None:
    every = [
        selector["cel"]["expression"]
        for obj in rendered("1.36")
        if obj["kind"] == "ResourceClaimTemplate" and obj["metadata"]["name"] == "any-declared-model"
        for selector in obj["spec"]["spec"]["devices"]["requests"][0]["exactly"]["selectors"]
    ]

    model = 'device.attributes["gpu.intel.com"].model'
    assert every == [f'has({model}) && {model} in ["A770", "B580"]']


@pytest.mark.parametrize(
    ("model", "product", "found"),
    [
        ("H100", "NVIDIA H100 80GB HBM3", True),
        ("L4", "NVIDIA L4", True),
        ("L4", "NVIDIA L40S", False),
        ("RTX 4090", "NVIDIA GeForce RTX 4090", True),
        ("A100", "NVIDIA A100-SXM4-40GB", True),
        ("MI300X", "AMD_Instinct_MI300X_OAM", True),
        ("MI300X", "AMD_Instinct_MI325X_OAM", False),
    ],
)
def test_a_model_is_found_as_a_word_of_the_product_name(model: str, product: str, found: bool) -> None:
    expression = selectors(Need(Vendor.NVIDIA), [model])[0]["cel"]["expression"]
    pattern = json.loads(expression.partition(".matches(")[2].removesuffix(")"))

    assert bool(re.search(pattern, product)) is found


def test_every_attribute_is_asked_for_before_it_is_read() -> None:
    for minor in MINORS:
        for expression in expressions(rendered(minor)):
            reads = expression.count("device.attributes[") + expression.count("device.capacity[")
            assert reads == 2 * expression.count("has("), expression


def expressions(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["expression"]] if "expression" in value else []
        return own + [text for inner in value.values() for text in expressions(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in expressions(inner)]
    return []


def test_a_device_plugin_is_asked_by_number_and_its_nodes_by_model() -> None:
    wiring = wired(mixed(), Need(Vendor.AMD, 4), "x", "models")

    assert wiring.objects == []
    assert wiring.resources == {"requests": {"amd.com/gpu": "4"}, "limits": {"amd.com/gpu": "4"}}
    terms = [
        {"key": "slipway.dev/gpu-vendor", "operator": "In", "values": ["amd"]},
        {"key": "slipway.dev/gpu-model", "operator": "In", "values": ["MI300X"]},
    ]
    required = {"nodeSelectorTerms": [{"matchExpressions": terms}]}
    assert wiring.pod == {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    }


def test_a_claim_is_named_in_the_pod_and_in_the_container() -> None:
    own = wired(mixed(), Need(Vendor.INTEL), "llama", "models")
    shared = wired(mixed(), Need(Vendor.INTEL, shared=True), "llama", "models")

    assert own.pod == {"resourceClaims": [{"name": "gpus", "resourceClaimTemplateName": "llama"}]}
    assert shared.pod == {"resourceClaims": [{"name": "gpus", "resourceClaimName": "llama"}]}
    assert own.resources == shared.resources == {"claims": [{"name": "gpus"}]}


@pytest.mark.parametrize(
    ("gpus", "need", "resource"),
    [
        pytest.param(
            {**ARC, "allocation": "device-plugin"}, Need(Vendor.INTEL), "gpu.intel.com/i915", id="i915"
        ),
        pytest.param(
            {**ARC, "allocation": "device-plugin", "module": "xe"},
            Need(Vendor.INTEL),
            "gpu.intel.com/xe",
            id="xe as declared",
        ),
        pytest.param(
            {**BATTLEMAGE, "allocation": "device-plugin"},
            Need(Vendor.INTEL),
            "gpu.intel.com/xe",
            id="xe alone",
        ),
        pytest.param(
            {**INSTINCT, "partitioning": {"compute": "CPX", "memory": "NPS4"}},
            Need(Vendor.AMD, profile="cpx_nps4"),
            "amd.com/cpx_nps4",
            id="a part of an Instinct",
        ),
        pytest.param(
            {
                **HOPPER,
                "allocation": "device-plugin",
                "sharing": {"strategy": "time-slicing", "replicas": 4},
            },
            Need(Vendor.NVIDIA, shared=True),
            "nvidia.com/gpu",
            id="a share of an H100",
        ),
    ],
)
def test_extended_resources_are_named_as_their_plugins_do(
    gpus: dict[str, Any], need: Need, resource: str
) -> None:
    assert wired(cluster(gpus), need, "x", "models").resources["limits"] == {resource: "1"}


@pytest.mark.parametrize("strategy", ["single", "mixed"])
def test_mig_parts_have_a_name_of_their_own_with_the_mixed_strategy_only(strategy: str) -> None:
    gpus = {**HOPPER, "allocation": "device-plugin", "partitioning": {"mig": "all-1g.10gb"}}
    declared = cluster(gpus, gpu={"nvidia": {"mig_strategy": strategy}})
    wiring = wired(declared, Need(Vendor.NVIDIA, profile="1g.10gb"), "x", "models")

    expected = {"single": "nvidia.com/gpu", "mixed": "nvidia.com/mig-1g.10gb"}[strategy]
    assert wiring.resources["limits"] == {expected: "1"}


SHARED = {**HOPPER, "allocation": "device-plugin", "sharing": {"strategy": "mps", "replicas": 4}}


@pytest.mark.parametrize(
    ("gpus", "need", "said"),
    [
        pytest.param(
            [ARC],
            Need(Vendor.AMD),
            "no node has GPUs of amd; declare them in nodes[].gpus",
            id="no such vendor",
        ),
        pytest.param(
            [ARC, BATTLEMAGE],
            Need(Vendor.INTEL, models=("A380",)),
            "no node has A380; there are: 2 A770 on w1, 1 B580 on w2",
            id="no such model",
        ),
        pytest.param(
            [ARC, BATTLEMAGE],
            Need(Vendor.INTEL, memory="24Gi"),
            "no node has a GPU of intel with 24Gi; there are: 2 A770 on w1, 1 B580 on w2",
            id="too little memory",
        ),
        pytest.param(
            [ARC, BATTLEMAGE],
            Need(Vendor.INTEL, 3),
            "no node has 3 of a GPU of intel, the largest has 2; ask for less",
            id="too many",
        ),
        pytest.param(
            [HOPPER],
            Need(Vendor.NVIDIA, profile="1g.10gb"),
            "no node has a GPU of nvidia cut to 1g.10gb; there are: 8 H100 on w1",
            id="no parts",
        ),
        pytest.param(
            [INSTINCT],
            Need(Vendor.AMD, shared=True),
            "pods share a GPU by a claim, or by the device plugin's sharing; these nodes have neither: w1;"
            " set nodes[].gpus.sharing, or allocation: dra",
            id="nothing to share",
        ),
        pytest.param(
            [SHARED],
            Need(Vendor.NVIDIA, 2),
            "2 shares may be of one and the same GPU; ask for 1 where GPUs are shared, or leave out sharing"
            " on w1",
            id="two shares",
        ),
        pytest.param(
            [{**ARC, "allocation": "device-plugin"}, {**BATTLEMAGE, "allocation": "device-plugin"}],
            Need(Vendor.INTEL),
            "these nodes offer gpu.intel.com/i915 and gpu.intel.com/xe; name the models of one of them",
            id="two names",
        ),
    ],
)
def test_what_a_cluster_cannot_give_is_said_with_what_it_has(
    gpus: list[dict[str, Any]], need: Need, said: str
) -> None:
    with pytest.raises(NeedError) as caught:
        wired(cluster(*gpus), need, "x", "models")

    assert str(caught.value) == said


def test_what_a_version_cannot_do_is_an_error_and_not_left_out() -> None:
    with pytest.raises(NeedError) as prefer:
        wired(mixed("v1.33.4"), PREFERRED, "x", "models")
    with pytest.raises(NeedError) as admin:
        monitoring(resource_api("v1.32.4"), Vendor.INTEL, "watch", "gpu-monitoring")

    assert str(prefer.value) == (
        "B580 before A770: this Kubernetes cannot prefer one model over another"
        " (feature gate DRAPrioritizedList, on since 1.34); name one model"
    )
    assert str(admin.value) == (
        "a monitoring claim needs adminAccess, which this Kubernetes does not know yet"
        " (feature gate DRAAdminAccess, on since 1.34)"
    )


def test_a_gate_that_the_inventory_sets_makes_it_possible() -> None:
    gated = cluster(
        ARC, BATTLEMAGE, version="v1.33.4", kubernetes={"feature_gates": {"DRAPrioritizedList": True}}
    )
    claim = wired(gated, PREFERRED, "x", "models").objects[0]

    choices = claim["spec"]["spec"]["devices"]["requests"][0]["firstAvailable"]
    models = [choice["selectors"][0]["cel"]["expression"].split(" == ")[1] for choice in choices]
    assert models == ['"B580"', '"A770"']
    validate(claim, "1.33")


def test_dra_goes_before_the_device_plugin_where_a_vendor_has_both() -> None:
    both = cluster({**BATTLEMAGE, "allocation": "device-plugin"}, ARC)

    assert [obj["kind"] for obj in wired(both, Need(Vendor.INTEL), "x", "models").objects] == [
        "ResourceClaimTemplate"
    ]


def test_a_control_plane_may_have_gpus_too() -> None:
    declared = cluster(nodes=[{**CP, "gpus": ARC}])

    assert len(wired(declared, Need(Vendor.INTEL, 2), "x", "models").objects) == 1
