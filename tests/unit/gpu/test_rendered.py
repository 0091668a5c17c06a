"""What the real charts make of our values, against the real definitions of it: strictly, every key of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from deploy.catalog import chart_keys
from deploy.steps import intel
from tests.unit.gpu.clusters import cluster
from tests.unit.gpu.rendered import CASES, CRDS, digest, file
from tests.unit.gpu.stacks import PLUGIN, PLUGIN_IMAGE, WATCHED

Object = dict[str, Any]
OWN_PLUGIN = intel.plugin(cluster(PLUGIN, gpu={"intel": WATCHED["intel"]}), PLUGIN_IMAGE)


def kept(name: str) -> list[Object]:
    return [*yaml.safe_load_all(file(name).read_text())]


def everything() -> Iterator[tuple[str, Object]]:
    yield "intel plugin", OWN_PLUGIN
    for name in CASES:
        yield from ((name, obj) for obj in kept(name))


EVERY = [*everything()]
IDS = [f"{name}: {obj['kind']}" for name, obj in EVERY]


def definition(obj: Object) -> Object:
    """Return the schema of an object's version, out of its definition."""
    for path in CRDS.iterdir():
        spec = json.loads(path.read_text())["crd"]["spec"]
        if spec["names"]["kind"] == obj["kind"]:
            version = obj["apiVersion"].partition("/")[2]
            [schema] = [each["schema"] for each in spec["versions"] if each["name"] == version]
            found: Object = schema["openAPIV3Schema"]
            return found
    raise AssertionError(f"no definition of {obj['kind']}")


def strict(schema: Any) -> Any:
    """Return a schema as JSON Schema, where a key that it does not know is refused as the server does."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(each) for key, each in schema.items()}
    open_ = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not open_:
        found["additionalProperties"] = False
    if schema.get("nullable") is True and isinstance(schema.get("type"), str):
        found["type"] = [schema["type"], "null"]
    return found


def faults(obj: Object) -> list[str]:
    found = Draft7Validator(strict(definition(obj))).iter_errors(obj)
    return [f"{'.'.join(map(str, each.absolute_path))}: {each.message}" for each in found]


@pytest.mark.parametrize(("name", "obj"), EVERY, ids=IDS)
def test_the_real_definition_takes_it(name: str, obj: Object) -> None:
    assert name
    assert faults(obj) == []


@pytest.mark.parametrize(("name", "obj"), EVERY, ids=IDS)
def test_one_misspelt_key_anywhere_is_refused(name: str, obj: Object) -> None:
    paths = [*keys(obj["spec"], ("spec",))]

    assert len(paths) > 5, name
    for path in paths:
        wrong = copy.deepcopy(obj)
        above: Any = wrong
        for step in path[:-1]:
            above = above[step]
        above[f"{path[-1]}x"] = above.pop(path[-1])
        if not is_open(obj, path):
            assert faults(wrong), path


def keys(value: Any, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield (*above, name)
            yield from keys(below, (*above, name))
    if isinstance(value, list):
        for number, below in enumerate(value):
            yield from keys(below, (*above, number))


def is_open(obj: Object, path: tuple[Any, ...]) -> bool:
    """Say whether the definition takes any key there: labels, a selector."""
    schema: Any = definition(obj)
    for step in path[:-1]:
        schema = schema["items"] if isinstance(step, int) else schema.get("properties", {}).get(step, {})
    return "additionalProperties" in schema or "properties" not in schema


@pytest.mark.parametrize("name", CASES)
def test_what_is_kept_was_made_of_the_values_and_the_chart_of_today(name: str) -> None:
    """Otherwise: python -m tests.unit.gpu.rendered_source."""
    case = CASES[name]
    head = file(name).read_text().splitlines()[0]

    commit = chart_keys.load(case.chart).commit
    assert head == (
        f"# {case.chart} {commit}, for v1.32.4 v1.33.4 v1.34.4 v1.36.3, of values {digest(case.values)}"
    )


def test_the_definitions_are_of_the_commits_that_the_charts_keys_were_read_at() -> None:
    commits = {chart_keys.load(chart).commit for chart in (
        "intel-device-plugins-operator", "amd-gpu-operator", "nvidia-gpu-operator"
    )}  # fmt: skip

    assert {json.loads(path.read_text())["source"].split()[1] for path in CRDS.iterdir()} == commits


@pytest.mark.parametrize(
    ("name", "kind"),
    [("nvidia dra", "GPUCluster"), ("nvidia shared", "ClusterPolicy"), ("amd dra", "DeviceConfig")],
)
def test_a_stack_is_one_resource_of_its_vendor(name: str, kind: str) -> None:
    assert [obj["kind"] for obj in kept(name)] == [kind]
