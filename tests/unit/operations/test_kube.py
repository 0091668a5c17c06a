"""Objects applied: what is compared, what is changed, what is left to others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy.errors import HostError
from deploy.operations import kube, nodes
from tests.unit.operations.conftest import NO_CLUSTER, Plan, read

POOL = {
    "apiVersion": "metallb.io/v1beta1",
    "kind": "IPAddressPool",
    "metadata": {"name": "slipway", "namespace": "metallb-system"},
    "spec": {"addresses": ["10.0.0.1-10.0.0.9"]},
}


def said(live: list[Any], would: list[Any], *errors: str) -> dict[str, str]:
    """What the host answers to a look and to a dry run."""
    return {
        "/ipaddresspools/slipway": read(*live),
        "dry-run=server": "\n".join(["=== slipway would", *map(json.dumps, would), *errors]),
    }


def with_addresses(addresses: str, **metadata: Any) -> dict[str, Any]:
    return {**POOL, "metadata": {**POOL["metadata"], **metadata}, "spec": {"addresses": [addresses]}}  # type: ignore[dict-item]


def test_an_object_that_is_as_wished_is_left_alone(plan: Plan) -> None:
    live = with_addresses("10.0.0.1-10.0.0.9", uid="1", managedFields=[])

    planned = plan(
        kube.applied,
        [POOL],
        "load-balancer",
        answers=said([live], [with_addresses("10.0.0.1-10.0.0.9", uid="1")]),
    )

    assert planned.commands == []
    assert planned.notes.reasons == []


def applied(**fields: Any) -> dict[str, Any]:
    """An entry of managedFields as a server-side apply of slipway leaves it."""
    version = "metallb.io/v1beta1"
    return {"manager": "slipway", "operation": "Apply", "apiVersion": version, "fieldsV1": fields}


ADDRESSES = {"f:spec": {"f:addresses": {}}}


def test_what_lives_as_it_was_applied_is_not_tried_again(plan: Plan) -> None:
    live = with_addresses("10.0.0.1-10.0.0.9", managedFields=[applied(**ADDRESSES)])
    dry_run = [with_addresses("10.0.0.1-10.0.0.99")]

    assert plan(kube.applied, [POOL], "load-balancer", answers=said([live], dry_run)).commands == []


@pytest.mark.parametrize(
    ("addresses", "fields"),
    [
        ("10.0.0.1-10.0.0.8", ADDRESSES),
        ("10.0.0.1-10.0.0.9", {"f:spec": {"f:addresses": {}, "f:autoAssign": {}}}),
        ("10.0.0.1-10.0.0.9", {"f:spec": {}, "f:metadata": {"f:labels": {"f:x": {}}}}),
        ("10.0.0.1-10.0.0.9", {}),
    ],
    ids=["edited", "once wished for", "a label once wished for", "owned by others"],
)
def test_what_was_edited_or_is_no_longer_wished_for_is_tried(
    plan: Plan, addresses: str, fields: dict[str, Any]
) -> None:
    live = with_addresses(addresses, managedFields=[applied(**fields)] if fields else [])
    dry_run = [with_addresses("10.0.0.1-10.0.0.99")]

    planned = plan(kube.applied, [POOL], "load-balancer", answers=said([live], dry_run))
    assert planned.reasons == ["IPAddressPool metallb-system/slipway differs"]


def test_a_pool_that_somebody_edited_is_taken_back_with_its_diff(plan: Plan) -> None:
    edit = {"manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:addresses": {}}}}
    live = with_addresses("10.0.0.1-10.0.0.200", managedFields=[edit])

    webhook = kube.Webhook("metallb-system", "app=x")
    planned = plan(kube.applied, [POOL], "load-balancer", 30, webhook, answers=said([live], [POOL]))

    assert planned.reasons == ["IPAddressPool metallb-system/slipway differs"]
    [diff] = planned.notes.diffs
    assert diff == (
        "--- IPAddressPool metallb-system/slipway\n"
        "+++ IPAddressPool metallb-system/slipway\n"
        "@@ -7,2 +7,2 @@\n"
        "   addresses:\n"
        "-  - 10.0.0.1-10.0.0.200\n"
        "+  - 10.0.0.1-10.0.0.9"
    )
    assert [json.loads(text)["items"] for text in planned.stdin] == [[POOL]]
    assert planned.commands[0].startswith(
        "patience=30 wake='-n metallb-system -l app=x'\nexport KUBECONFIG=/etc/kubernetes/admin.conf"
    )


def test_a_field_that_a_controller_keeps_is_an_error_that_names_both(plan: Plan) -> None:
    flux = {"manager": "kustomize-controller", "fieldsV1": {"f:spec": {"f:addresses": {}}}}
    live = with_addresses("10.0.0.1-10.0.0.200", managedFields=[flux])

    with pytest.raises(HostError) as refused:
        plan(kube.applied, [POOL], "load-balancer", answers=said([live], [POOL]))

    assert str(refused.value) == (
        "IPAddressPool metallb-system/slipway: spec.addresses.0 is kept by kustomize-controller, "
        "so slipway leaves it alone; let kustomize-controller keep the value that the inventory wants, "
        "or take the object out of its hands"
    )


def test_before_there_is_a_cluster_nothing_is_known(plan: Plan) -> None:
    planned = plan(kube.applied, [POOL], "load-balancer", answers={"/ipaddresspools/": NO_CLUSTER})

    assert (planned.notes.until, planned.reasons) == ("control-plane", ["there is no cluster yet"])
    assert len(planned.commands) == 1


def test_before_its_kind_is_there_an_object_waits_for_the_phase_that_brings_it(plan: Plan) -> None:
    url = "https://api/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/slipway"
    error = f"{url}: no matches for kind"

    answers = {"/ipaddresspools/": f"404 page not found\n=== slipway 404 {url}"}
    planned = plan(kube.applied, [POOL], "load-balancer", answers=answers)

    assert planned.notes.until == "load-balancer"
    assert planned.reasons == [error, "IPAddressPool metallb-system/slipway is missing"]


def test_a_kind_that_no_phase_brings_is_an_error_where_it_is_not_served(plan: Plan) -> None:
    url = "https://api/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/slipway"
    answers = {"/ipaddresspools/": f"404 page not found\n=== slipway 404 {url}"}

    with pytest.raises(HostError) as unserved:
        plan(kube.applied, [POOL], "load-balancer", unserved="bring it", answers=answers)

    assert str(unserved.value) == "bring it"
    no_cluster = plan(kube.applied, [POOL], "x", unserved="no", answers={"/ipaddresspools/": NO_CLUSTER})
    assert no_cluster.notes.until == "control-plane"


def test_when_a_webhook_does_not_answer_the_wish_is_compared_with_what_lives(plan: Plan) -> None:
    error = 'Error from server (InternalError): failed calling webhook "x": connection refused'
    live = with_addresses("10.0.0.1-10.0.0.9", uid="1")

    assert plan(kube.applied, [POOL], "load-balancer", answers=said([live], [], error)).commands == []


def test_a_silent_api_is_an_error_not_a_plan(plan: Plan) -> None:
    error = "curl: (7) Failed to connect to 10.0.0.1 port 6443 after 0 ms: Couldn't connect to server"
    answers = {"/ipaddresspools/": f"\n=== slipway 000 https://api/x\n{error}"}

    with pytest.raises(HostError) as silent:
        plan(kube.applied, [POOL], "load-balancer", answers=answers)

    assert str(silent.value) == (
        "the API server of this control plane did not answer through /etc/kubernetes/admin.conf; "
        "look at: systemctl status kubelet, crictl ps, journalctl -u kubelet\n" + error
    )


def test_a_secret_shows_digests_only() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"key": "aHVzaA=="}}

    assert kube.shown(secret) == (
        "apiVersion: v1\n"
        "data:\n"
        "  key: sha256 805694b69c63c8594dbec216a488f01297ae4d696dce4b80b5b5d86191be3211\n"
        "kind: Secret\n"
        "metadata:\n"
        "  name: x\n"
    )


def workload(kind: str, status: dict[str, int], generation: int = 1) -> dict[str, Any]:
    metadata = {"name": "x", "namespace": "n", "generation": generation}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {"replicas": 2},
        "status": status,
    }


DONE = {"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 2}
DONE_SET = {
    "observedGeneration": 1,
    "desiredNumberScheduled": 2,
    "updatedNumberScheduled": 2,
    "numberAvailable": 2,
}


@pytest.mark.parametrize(
    ("live", "text"),
    [
        (workload("Deployment", DONE), None),
        (workload("DaemonSet", DONE_SET), None),
        (workload("Deployment", DONE, 2), "Deployment n/x was changed and nothing has looked at it yet"),
        (workload("Deployment", {**DONE, "availableReplicas": 1}), "Deployment n/x has 1 of 2 pods ready"),
        (workload("DaemonSet", {"observedGeneration": 1}), "DaemonSet n/x has 0 of 0 pods ready"),
    ],
)
def test_a_workload_is_done_when_every_pod_of_its_newest_form_is_ready(
    live: dict[str, Any], text: str | None
) -> None:
    assert kube.unfinished(live) == text


def node(labels: dict[str, str], *taints: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "w1", "labels": labels},
        "spec": {"taints": list(taints)},
    }


def nodes_said(*live: dict[str, Any]) -> dict[str, str]:
    return {"/api/v1/nodes": read(*live)}


def test_a_node_gets_its_labels_and_exactly_its_taints(plan: Plan) -> None:
    live = node(
        {"tier": "gpu", "mine": "x"},
        {"key": "old", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
    )
    wanted = nodes.Declared(
        "w1",
        labels={"tier": "cpu"},
        unlabelled=("mine",),
        taints=("gpu=yes:NoExecute",),
    )

    planned = plan(nodes.declared, [wanted], answers=nodes_said(live))

    assert planned.reasons == [
        "w1: label tier is gpu, wanted cpu",
        "w1: label mine is there and shall not be",
        "w1: taint gpu=yes:NoExecute is missing",
        "w1: taint old=:NoSchedule is there and shall not be",
    ]
    [command] = planned.commands
    assert command == (
        "export KUBECONFIG=/etc/kubernetes/admin.conf && "
        "kubectl label node w1 --overwrite tier=cpu mine- && "
        "kubectl taint node w1 --overwrite old:NoSchedule- gpu=yes:NoExecute"
    )


def test_labels_of_other_days_go_where_the_mark_says_whose_they_were(plan: Plan) -> None:
    wanted = nodes.Declared("w1", marks=("slipway.dev/gpu-vendor",), left=("slipway.dev/gpu-vendor", "found"))

    ours = plan(
        nodes.declared, [wanted], answers=nodes_said(node({"slipway.dev/gpu-vendor": "amd", "found": "true"}))
    )
    others = plan(nodes.declared, [wanted], answers=nodes_said(node({"found": "true"})))

    assert ours.reasons == [
        "w1: label slipway.dev/gpu-vendor is there and shall not be",
        "w1: label found is there and shall not be",
    ]
    [command] = ours.commands
    assert command.endswith(" && kubectl label node w1 --overwrite slipway.dev/gpu-vendor- found-")
    assert others.commands == []


def test_labels_that_nobody_reads_any_more_go_from_the_nodes_that_are_there(plan: Plan) -> None:
    former = ("slipway.dev/gpu-vendor", "slipway.dev/gpu-model")
    live = nodes_said(node({"slipway.dev/gpu-model": "A770", "tier": "gpu"}))

    planned = plan(nodes.unlabelled, ["w1", "w2"], former, answers=live)
    again = plan(nodes.unlabelled, ["w1", "w2"], former, answers=nodes_said(node({"tier": "gpu"})))

    assert planned.reasons == ["w1: label slipway.dev/gpu-model is there and shall not be"]
    [command] = planned.commands
    assert command.endswith(" && kubectl label node w1 --overwrite slipway.dev/gpu-model-")
    assert again.commands == []


def test_taints_that_nobody_declared_stay_but_for_the_one_in_the_way(plan: Plan) -> None:
    live = node(
        {},
        {"key": "theirs", "effect": "NoSchedule"},
        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
    )
    wanted = nodes.Declared("w1", untainted=("node-role.kubernetes.io/control-plane",))

    planned = plan(nodes.declared, [wanted], answers=nodes_said(live))

    assert planned.reasons == [
        "w1: taint node-role.kubernetes.io/control-plane=:NoSchedule is there and shall not be"
    ]


def test_a_node_that_has_not_joined_is_waited_for(plan: Plan) -> None:
    planned = plan(nodes.declared, [nodes.Declared("w2", labels={"a": "b"})], answers=nodes_said(node({})))

    assert (planned.notes.until, planned.commands) == ("workers", [])
