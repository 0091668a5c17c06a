"""Our values and custom resources, against every key that the vendors' charts know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from deploy.catalog import chart_keys
from deploy.catalog.chart_keys import ChartKeys
from deploy.steps import intel
from tests.unit.gpu.clusters import cluster, mixed
from tests.unit.gpu.stacks import CUT, PLUGIN, PLUGIN_IMAGE, VALUES, WATCHED, amd_values


@pytest.mark.parametrize("name", VALUES)
def test_a_chart_knows_every_value_that_it_is_given(name: str) -> None:
    chart, values = VALUES[name]

    assert chart_keys.load(chart).unknown_values(values) == []


@pytest.mark.parametrize("name", VALUES)
def test_a_misspelt_value_is_found_wherever_it_is(name: str) -> None:
    chart, values = VALUES[name]
    known = chart_keys.load(chart)
    misspelt = [path for path in paths(values) if not is_open(known, path)]

    assert misspelt
    for path in misspelt:
        said = known.unknown_values(changed(values, path))
        assert len(said) == 1, path
        assert ".".join((*path[:-1], f"{path[-1]}x")) in said[0]


def is_open(known: ChartKeys, path: tuple[str, ...]) -> bool:
    """Say whether a key lies where the chart takes whatever it is given."""
    above = (".".join(path[:depth]) for depth in range(1, len(path)))
    return any(known.values.get(each) in ("map", "list", "any") for each in above)


def paths(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, value in values.items():
        found.append((*above, name))
        if isinstance(value, dict) and not any("." in key or "/" in key for key in value):
            found += paths(value, (*above, name))
    return found


def changed(values: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the values with an x behind one key."""
    name, *below = path
    return {
        (f"{key}x" if key == name and not below else key): (
            changed(value, tuple(below)) if key == name and below else value
        )
        for key, value in values.items()
    }


def test_what_was_meant_is_named() -> None:
    values = intel.driver_values(mixed())
    values["kubeletPlugin"]["privileg"] = values["kubeletPlugin"].pop("privileged")
    values["nfd"] = {"enabled": "false"}

    assert chart_keys.load("intel-gpu-resource-driver").unknown_values(values) == [
        (
            "intel-gpu-resource-driver knows no value kubeletPlugin.privileg;"
            " did you mean kubeletPlugin.privileged?"
        ),
        "intel-gpu-resource-driver: nfd.enabled is 'false', wanted a boolean",
    ]


def test_the_custom_resources_are_what_their_definitions_know() -> None:
    plugin = intel.plugin(cluster(PLUGIN, gpu={"intel": WATCHED["intel"]}), PLUGIN_IMAGE)
    spec = amd_values(CUT, gpu={"amd": WATCHED["amd"]})["deviceConfig"]["spec"]
    config = {"apiVersion": "amd.com/v1alpha1", "kind": "DeviceConfig", "spec": spec}

    assert chart_keys.load("intel-device-plugins-operator").unknown_fields(plugin) == []
    assert chart_keys.load("amd-gpu-operator").unknown_fields(config) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sharedDevNumber": 2}, "no field spec.sharedDevNumber; did you mean spec.sharedDevNum?"),
        ({"sharedDevNum": "2"}, "spec.sharedDevNum is '2', wanted a integer"),
        (
            {"preferredAllocationPolicy": "spread"},
            "spec.preferredAllocationPolicy is 'spread', wanted balanced, packed, none",
        ),
        (
            {"tolerations": [{"operater": "Exists"}]},
            "no field spec.tolerations[].operater; did you mean spec.tolerations[].operator?",
        ),
    ],
)
def test_a_misspelt_field_is_found(change: dict[str, Any], said: str) -> None:
    plugin = intel.plugin(cluster(PLUGIN), PLUGIN_IMAGE)
    plugin["spec"] |= change

    assert chart_keys.load("intel-device-plugins-operator").unknown_fields(plugin) == [said]
