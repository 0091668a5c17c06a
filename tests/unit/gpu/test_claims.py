"""Claims as each Kubernetes version wants them, whole, and against that version's own schema."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from jsonschema import ValidationError

from deploy.catalog.gpu import names, resource_api
from deploy.gpu import Need, NeedError, wired
from deploy.gpu.claims import monitoring
from deploy.gpu.published import Published
from deploy.gpu.selectors import selectors
from deploy.model import Vendor
from tests.unit.gpu.clusters import ARC, BATTLEMAGE, cluster, mixed
from tests.unit.gpu.versions import HERE, MINORS, PREFERRED, rendered, validate


@pytest.mark.parametrize("minor", MINORS)
def test_claims_are_what_the_version_takes(minor: str) -> None:
    golden = HERE / "golden" / f"claims-{minor}.yaml"

    assert rendered(minor) == list(yaml.safe_load_all(golden.read_text()))


@pytest.mark.parametrize("minor", MINORS)
def test_claims_are_valid_by_the_versions_own_schema(minor: str) -> None:
    for obj in rendered(minor):
        if obj["kind"] != "Namespace":
            validate(obj, minor)


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
        ("H100", "NVIDIA H100 NVL", False),
        ("H100 NVL", "NVIDIA H100 NVL", True),
        ("RTX 4070", "NVIDIA GeForce RTX 4070", True),
        ("RTX 4070", "NVIDIA GeForce RTX 4070 Ti", False),
        ("RTX 4070 Ti", "NVIDIA GeForce RTX 4070 Ti SUPER", False),
        ("RTX 4070 Ti SUPER", "NVIDIA GeForce RTX 4070 Ti SUPER", True),
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
    vendor = Vendor.AMD if model.startswith("MI") else Vendor.NVIDIA
    device = Published("w1", names(vendor).driver, "w1", "gpu-0", product, integrated=False)

    assert chosen(expression, product) is found
    assert device.is_a(vendor, model) is found


def chosen(expression: str, product: str) -> bool:
    """Return what CEL makes of an expression about a product name alone."""
    attribute = 'device.attributes["gpu.nvidia.com"].productName'
    text = expression.replace(f"has({attribute}) && ", "").replace(f"{attribute}.matches", "matches")
    text = text.replace("&&", "and").replace("||", "or").replace("!matches", "not matches")
    scope = {"matches": lambda pattern: re.search(pattern, product) is not None}
    return bool(eval(text, {"__builtins__": {}}, scope))  # noqa: S307 - our own expression


def test_several_models_are_told_apart_one_by_one() -> None:
    [selector] = selectors(Need(Vendor.NVIDIA), ["RTX 4070", "RTX 4070 Ti SUPER", "L4"])
    expression = selector["cel"]["expression"]
    names_ = ("RTX 4070", "RTX 4070 Ti", "RTX 4070 SUPER", "RTX 4070 Ti SUPER", "L4", "L40")

    assert [name for name in names_ if chosen(expression, f"NVIDIA {name}")] == [
        "RTX 4070",
        "RTX 4070 Ti SUPER",
        "L4",
    ]


def test_every_attribute_is_asked_for_before_it_is_read() -> None:
    for minor in MINORS:
        for expression in expressions(rendered(minor)):
            read = re.findall(r'(has\()?(device\.(?:attributes|capacity)\["[^"]+"\]\.\w+)', expression)
            asked = {name for guard, name in read if guard}
            assert read
            assert {name for guard, name in read if not guard} <= asked, expression


def expressions(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["expression"]] if "expression" in value else []
        return own + [text for inner in value.values() for text in expressions(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in expressions(inner)]
    return []


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
