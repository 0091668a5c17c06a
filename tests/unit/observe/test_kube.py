"""What kubectl prints, and how objects differ."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.observe import kube
from deploy.observe.difference import differing, normalised, unmet
from deploy.observe.kube import Key, Objects, Reach
from deploy.observe.managers import as_applied, owned_by_controllers

POOL = Key("metallb.io", "IPAddressPool", "metallb-system", "slipway")


def test_objects_and_complaints_are_told_apart() -> None:
    found = kube.parse(
        [
            "=== slipway live",
            'Warning: something is "deprecated"',
            '{"kind": "List", "apiVersion": "v1", "items": [',
            ' {"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",',
            '  "metadata": {"name": "slipway", "namespace": "metallb-system"}},',
            ' {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "cp1"}}]}',
            "=== slipway would",
            'Error from server (NotFound): namespaces "x" not found',
        ]
    )

    assert found == Objects(
        Reach.ANSWERS,
        live={
            POOL: {
                "apiVersion": "metallb.io/v1beta1",
                "kind": "IPAddressPool",
                "metadata": {"name": "slipway", "namespace": "metallb-system"},
            },
            Key("", "Node", "", "cp1"): {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "cp1"}},
        },
        errors=(
            'Warning: something is "deprecated"',
            'Error from server (NotFound): namespaces "x" not found',
        ),
    )


def test_a_host_without_a_cluster_is_not_taken_for_a_silent_api() -> None:
    assert kube.parse(["=== slipway no cluster"]) == Objects(Reach.NO_CLUSTER)


def test_no_answer_at_all_is_silence() -> None:
    assert kube.parse([]).reach is Reach.SILENT


def test_a_refused_connection_is_silence() -> None:
    line = (
        "The connection to the server 10.89.7.11:6443 was refused - did you specify the right host or port?"
    )

    assert kube.parse(["=== slipway live", line]) == Objects(Reach.SILENT, errors=(line,))


def test_a_webhook_that_refuses_is_no_silence() -> None:
    line = (
        'Error from server (InternalError): failed calling webhook "x": dial tcp 10.43.0.9:443: '
        "connect: connection was refused"
    )

    assert kube.parse(["=== slipway live", "=== slipway would", line]).reach is Reach.ANSWERS


def test_a_kind_without_its_crd_is_unknown() -> None:
    line = 'error: resource mapping not found: no matches for kind "IPAddressPool" in version "x/v1"'

    assert kube.parse(["=== slipway live", line]).unknown_kinds


def test_what_the_server_writes_is_no_difference() -> None:
    wish = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "labels": {"a": "b"}}}
    live = {
        **wish,
        "metadata": {
            **wish["metadata"],  # type: ignore[dict-item]
            "uid": "1",
            "resourceVersion": "2",
            "generation": 3,
            "creationTimestamp": "2026-11-30T00:00:00Z",
            "managedFields": [],
        },
        "status": {"phase": "Active"},
    }

    assert normalised(live) == wish


def test_a_difference_is_named_by_its_path() -> None:
    before = {"spec": {"addresses": ["10.0.0.1-10.0.0.9"], "autoAssign": True}}
    after = {"spec": {"addresses": ["10.0.0.1-10.0.0.5"]}}

    assert differing(before, after) == [("spec", "addresses", "0"), ("spec", "autoAssign")]
    assert differing({"a": [1]}, {"a": [1, 2]}) == [("a",)]
    assert differing(before, before) == []


def test_a_wish_is_met_by_defaults_and_equal_quantities() -> None:
    wish = {"cpu": "100m", "memory": "0.5Gi", "items": [{"name": "a"}], "empty": {}, "none": None, "on": True}
    live = {"cpu": "0.1", "memory": "512Mi", "items": [{"name": "a", "mode": 420}], "on": True, "more": 1}

    assert unmet(wish, live) == []


def test_a_wish_that_is_not_met_is_named() -> None:
    assert unmet({"spec": {"replicas": 2, "list": [1, 2]}}, {"spec": {"replicas": 3, "list": [1]}}) == [
        ("spec", "replicas"),
        ("spec", "list"),
    ]
    assert unmet({"labels": {"a": ""}}, {"labels": {"a": "b"}}) == [("labels", "a")]
    assert unmet({"on": True}, {"on": "true"}) == [("on",)]


OWNED = {
    "metadata": {
        "managedFields": [
            {
                "manager": "kubectl-edit",
                "fieldsV1": {"f:spec": {"f:addresses": {}}},
            },
            {
                "manager": "argocd-controller",
                "fieldsV1": {
                    "f:metadata": {"f:labels": {".": {}, "f:team": {}}},
                    "f:spec": {"f:containers": {'k:{"name":"app"}': {".": {}, "f:image": {}}}},
                },
            },
            {"manager": "kube-controller-manager", "subresource": "status", "fieldsV1": {"f:status": {}}},
        ]
    },
    "spec": {"addresses": ["a"], "containers": [{"name": "side"}, {"name": "app", "image": "x"}]},
}


def test_fields_that_people_edited_have_no_owner_to_respect() -> None:
    assert owned_by_controllers(OWNED, [("spec", "addresses", "0")]) == []


def test_a_controllers_field_is_named_with_its_controller() -> None:
    paths = [("metadata", "labels", "team"), ("spec", "containers", "1", "image"), ("status",)]

    assert owned_by_controllers(OWNED, paths) == [
        ("argocd-controller", "metadata.labels.team"),
        ("argocd-controller", "spec.containers.1.image"),
    ]


def applied(fields: dict[str, Any], **live: Any) -> dict[str, Any]:
    entry = {"manager": "slipway", "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}
    return {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "managedFields": [entry]}, **live}


WISH: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "X",
    "metadata": {"name": "x"},
    "spec": {"ports": [{"port": 80, "name": "web"}], "finalizers": ["a"], "cpu": "0.1"},
}
FIELDS: dict[str, Any] = {
    "f:spec": {
        ".": {},
        "f:ports": {'k:{"port":80}': {".": {}, "f:port": {}, "f:name": {}}},
        "f:finalizers": {'v:"a"': {}},
        "f:cpu": {},
    }
}


def test_a_wish_is_as_applied_when_its_fields_are_ours_and_no_others() -> None:
    spec = {"ports": [{"port": 80, "name": "web", "protocol": "TCP"}], "finalizers": ["a"], "cpu": "100m"}

    assert as_applied(WISH, applied(FIELDS, spec=spec))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("f:ports", {'k:{"port":81}': {".": {}, "f:port": {}, "f:name": {}}}),
        ("f:ports", {'k:{"port":80}': {".": {}, "f:port": {}}}),
        ("f:finalizers", {'v:"a"': {}, 'v:"b"': {}}),
        ("f:more", {}),
    ],
)
def test_another_set_of_fields_is_not_as_applied(place: str, value: dict[str, Any]) -> None:
    fields = {"f:spec": {**FIELDS["f:spec"], place: value}}

    assert not as_applied(WISH, applied(fields, spec=WISH["spec"]))


def test_what_is_not_there_or_another_version_is_not_as_applied() -> None:
    live = applied(FIELDS, spec=WISH["spec"])
    live["metadata"]["managedFields"][0]["apiVersion"] = "v1beta1"

    assert not as_applied(WISH, None)
    assert not as_applied(WISH, live)
