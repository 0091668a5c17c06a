"""kubeadm on one host: what would be run, and what refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.observe.kube import Objects, Reach
from deploy.observe.kubeadm import Marker
from deploy.operations import kubeadm, transient
from deploy.operations.credentials import Asks
from tests.unit.observe.test_kubeadm import UNITS
from tests.unit.operations.conftest import MISSING, NO_CLUSTER, Plan
from tests.unit.operations.test_bootstrap import LABEL, PLANE, api, state

IDLE = [line.replace("=active", "=inactive").replace("=activating", "=inactive") for line in UNITS]
BARE = {"slipway-kubeadm-init": "\n".join(["marker ", *IDLE, "live", NO_CLUSTER])}


def test_a_bare_host_is_initialised_by_a_unit_of_its_own(plan: Plan) -> None:
    planned = plan(kubeadm.initialised, "lab", "cp1", "/etc/slipway/kubeadm.yaml", answers=BARE)

    [command] = planned.commands
    assert command == (
        "set -eu; umask 077\n"
        "mkdir -p /var/lib/slipway\n"
        'printf \'%s\' \'{"cluster": "lab", "verb": "init"}\' > /var/lib/slipway/kubeadm.json.part '
        "&& mv -fT /var/lib/slipway/kubeadm.json.part /var/lib/slipway/kubeadm.json\n"
        "systemctl daemon-reload; systemctl enable --quiet kubelet.service\n"
        "systemctl reset-failed slipway-kubeadm-init.service 2>/dev/null || true\n"
        "systemd-run --quiet --unit=slipway-kubeadm-init.service --setenv=HOME=/root "
        "--property=RuntimeMaxSec=1200 -- "
        "kubeadm init --config=/etc/slipway/kubeadm.yaml --skip-token-print\n"
        + transient.awaited("slipway-kubeadm-init.service")
    )
    assert planned.reasons == ["there is no cluster yet"]


def test_an_api_that_starts_is_waited_for_and_then_gets_what_an_interrupted_init_owes_it(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbidden = 'https://api/x: nodes "n1" is forbidden: User "kubernetes-admin" cannot get resource "nodes"'
    plane = state(have=PLANE, marker=Marker("lab", "init"))
    silent = dataclasses.replace(plane, api=Objects(Reach.SILENT))
    unbound = dataclasses.replace(plane, api=Objects(Reach.SILENT, errors=(forbidden,)))
    bound = dataclasses.replace(plane, api=api(LABEL, "kube-proxy", "cluster-info"))
    seen = iter([silent, unbound, bound])
    monkeypatch.setattr(kubeadm, "_read", lambda _node: next(seen))
    monkeypatch.setattr(kubeadm, "state", SimpleNamespace(is_executing=True))

    wait, bind, rest = plan(kubeadm.initialised, "lab", "cp1", "/c.yaml").commands

    assert "--kubeconfig=/etc/kubernetes/admin.conf --request-timeout=5s get --raw=/readyz" in wait
    assert bind == "kubeadm init phase mark-control-plane --config=/c.yaml"
    assert rest == (
        "kubeadm init phase bootstrap-token --config=/c.yaml && "
        "kubeadm init phase addon kube-proxy --config=/c.yaml"
    )


def test_an_api_that_starts_and_lacks_nothing_is_only_waited_for(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = iter([state(have=PLANE, api=Objects(Reach.SILENT)), *[state(have=PLANE, api=api(LABEL))] * 2])
    monkeypatch.setattr(kubeadm, "_read", lambda _node: next(seen))
    monkeypatch.setattr(kubeadm, "state", SimpleNamespace(is_executing=True))

    assert len(plan(kubeadm.initialised, "lab", "cp1", "/c.yaml").commands) == 1


def test_a_plan_of_a_join_makes_no_credentials(plan: Plan) -> None:
    config = {"kind": "JoinConfiguration"}

    planned = plan(kubeadm.joined, "lab", "w1", config, "10.0.0.1:6443", Asks("cp1", []), answers=BARE)

    assert planned.stdin == [""]
    assert "ExecStopPost=/bin/rm -f /run/slipway/kubeadm-join.yaml" in planned.commands[0]
    assert planned.reasons == ["not joined yet"]


def test_leftovers_of_others_are_an_error(plan: Plan) -> None:
    answers = {
        "slipway-kubeadm-init": "\n".join(["have /var/lib/etcd/member", "marker ", *IDLE, "live", NO_CLUSTER])
    }

    with pytest.raises(HostError, match=r"slipway never does$"):
        plan(kubeadm.initialised, "lab", "cp1", "/etc/slipway/kubeadm.yaml", answers=answers)


@operation()
def guarded(node: str, version: str) -> Iterator[StringCommand]:
    kubeadm.keep_version(node, version)
    yield StringCommand("install")


def test_the_version_of_a_living_node_is_not_changed_by_an_apply(plan: Plan) -> None:
    with pytest.raises(HostError) as refused:
        plan(guarded, "w1", "v1.36.3", answers={"kubeletVersion": "v1.35.4\n"})

    assert str(refused.value) == (
        "w1 runs Kubernetes v1.35.4, the inventory wants v1.36.3. Apply does not change "
        "the version of a living node: set kubernetes.version to v1.35.4; an upgrade is a verb of its own"
    )


@pytest.mark.parametrize("said", ["v1.36.3", "Kubernetes v1.36.3\n", "no node", ""])
def test_a_node_of_the_declared_version_and_a_bare_host_pass(plan: Plan, said: str) -> None:
    assert plan(guarded, "w1", "v1.36.3", answers={"kubeletVersion": said}).commands == ["install"]


def dns(*live: str) -> dict[str, str]:
    said = "\n".join(f"{each}\n=== slipway 200 https://api/x" for each in live) or MISSING
    return {"slipway-kubeadm-init": "\n".join(["marker ", *IDLE, "live", said])}


def test_coredns_is_deployed_where_it_is_missing_and_else_left_alone(plan: Plan) -> None:
    there = (
        '{"apiVersion": "apps/v1", "kind": "Deployment", '
        '"metadata": {"name": "coredns", "namespace": "kube-system"}}'
    )
    missing = plan(kubeadm.named, "cp1", "/etc/slipway/kubeadm.yaml", "daemonset/net", answers=dns())

    assert missing.commands == [
        (
            "kubectl --kubeconfig=/etc/kubernetes/admin.conf rollout status daemonset/net --timeout=30s "
            ">/dev/null 2>&1; sleep 2; kubeadm init phase addon coredns --config=/etc/slipway/kubeadm.yaml"
        )
    ]
    assert missing.reasons == ["Deployment kube-system/coredns is missing"]
    assert (
        plan(kubeadm.named, "cp1", "/etc/slipway/kubeadm.yaml", "daemonset/net", answers=dns(there)).commands
        == []
    )


def test_before_there_is_a_cluster_coredns_is_not_known(plan: Plan) -> None:
    planned = plan(kubeadm.named, "cp1", "/etc/slipway/kubeadm.yaml", "daemonset/net", answers=BARE)

    assert (planned.notes.until, len(planned.commands)) == ("control-plane", 1)
