from __future__ import annotations

import base64

import pytest

from deploy.errors import HostError, InventoryError
from deploy.model import Cluster
from deploy.observe.identity import Identity, render
from deploy.operations import identity
from deploy.operations.files import File
from tests.unit.operations.conftest import Plan, Planned

FILES, CLAIM = "stat --printf='%F", "/etc/kubernetes/kubelet.conf"
CLUSTER = Cluster.model_validate(
    {
        "name": "homelab",
        "nodes": [
            {"name": "cp1", "address": "10.0.0.1", "roles": ["control-plane"]},
            {"name": "w1", "address": "10.0.0.2", "roles": ["worker"]},
        ],
    }
)
W1 = CLUSTER.node("w1")
OWN = identity.of(CLUSTER, W1)


def claim(plan: Plan, *lines: str, there: Identity | None = None) -> Planned:
    file = File("/etc/slipway/cluster.json", render(there)) if there else None
    stat = [f"regular file\t644\troot\troot\t{file.path}", f"{file.sha256}  {file.path}"] if file else []
    said = [f"identity {base64.b64encode(render(there)).decode()}"] if there else []
    answers = {FILES: [*stat, "end-of-files"], CLAIM: [*said, *lines, "end"]}
    return plan(identity.claimed, cluster=CLUSTER, node=W1, answers=answers)


def test_a_host_that_nobody_claimed_is_claimed(plan: Plan) -> None:
    planned = claim(plan)

    assert base64.b64decode(planned.stdin[0]) == render(OWN)
    assert planned.reasons == ["/etc/slipway/cluster.json is missing"]


def test_an_own_host_is_left_alone(plan: Plan) -> None:
    assert claim(plan, "member", there=OWN).commands == []


def test_a_host_remembers_nothing_of_other_nodes() -> None:
    assert OWN.values["nodes.w1.address"] == "10.0.0.2"
    assert [path for path in OWN.values if "cp1" in path] == []


def test_a_host_of_another_cluster_is_refused(plan: Plan) -> None:
    with pytest.raises(InventoryError) as error:
        claim(plan, there=Identity("garage", "gpu1", {}))

    assert str(error.value) == (
        "the host is gpu1 of the cluster garage, this inventory is of homelab; "
        "take it out of the inventory, or remove /etc/slipway/cluster.json if it is free"
    )


def test_a_living_cluster_keeps_what_cannot_be_changed(plan: Plan) -> None:
    before = Identity("homelab", "w1", {**OWN.values, "kubernetes.pod_cidr": "10.244.0.0/16"})

    with pytest.raises(InventoryError) as error:
        claim(plan, "member", there=before)

    assert str(error.value) == (
        "kubernetes.pod_cidr: the cluster has 10.244.0.0/16, the inventory now says 10.42.0.0/16; "
        "put 10.244.0.0/16 back, or make a new cluster and move the workloads there"
    )


def test_a_host_that_has_not_joined_may_still_change_everything(plan: Plan) -> None:
    before = Identity("homelab", "w1", {**OWN.values, "kubernetes.pod_cidr": "10.244.0.0/16"})

    assert claim(plan, there=before).reasons == ["/etc/slipway/cluster.json differs"]


@pytest.mark.parametrize(
    "content", ["", "!", base64.b64encode(b"[]").decode(), base64.b64encode(b"{}").decode()]
)
def test_an_identity_that_cannot_be_read_is_not_taken_for_none(plan: Plan, content: str) -> None:
    with pytest.raises(HostError) as error:
        plan(identity.claimed, cluster=CLUSTER, node=W1, answers={CLAIM: [f"identity {content}", "end"]})

    assert str(error.value) == (
        "/etc/slipway/cluster.json could not be read, so it is not known whose host this is; "
        "look at it, and remove it only if the host is free"
    )
