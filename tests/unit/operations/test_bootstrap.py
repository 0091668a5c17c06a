"""What to do about a host: decided from what was observed, never by resetting it."""

from __future__ import annotations

import dataclasses

import pytest

from deploy.errors import HostError
from deploy.observe import kubeadm
from deploy.observe.kube import Key, Objects, Reach
from deploy.observe.kubeadm import Marker, State
from deploy.operations import bootstrap
from deploy.operations.bootstrap import Decision, Do

LABEL = {kubeadm.CONTROL_PLANE_LABEL: ""}
NOBODY = Objects(Reach.NO_CLUSTER)
BARE = State("n1", frozenset(), None, {}, NOBODY)
WORKER = frozenset({kubeadm.KUBELET_CONF, kubeadm.KUBELET_CONFIG, kubeadm.CA})
PLANE = frozenset({*kubeadm.LEFTOVERS} - {kubeadm.BOOTSTRAP_CONF})


def api(labels: dict[str, str] | None = None, *missing: str) -> Objects:
    """An API that knows n1 (unless labels is None) and has the addons but for the missing ones."""
    live = {key: {} for key in kubeadm.ADDONS if key.name not in missing}
    if labels is not None:
        live[Key("", "Node", "", "n1")] = {"metadata": {"name": "n1", "labels": labels}}
    return Objects(Reach.ANSWERS, live)


def state(**changes: object) -> State:
    return dataclasses.replace(BARE, **changes)  # type: ignore[arg-type]


def test_a_bare_host_is_initialised() -> None:
    assert bootstrap.initialise(BARE, "lab") == Decision(Do.RUN, "there is no cluster yet")


def test_a_finished_control_plane_is_left_alone() -> None:
    done = state(have=PLANE, marker=Marker("lab", "init"), api=api(LABEL))

    assert bootstrap.initialise(done, "lab") == Decision(Do.NOTHING)
    assert bootstrap.initialise(dataclasses.replace(done, marker=None), "lab") == Decision(Do.NOTHING)


def test_a_kubeadm_that_an_earlier_run_left_at_work_is_waited_for() -> None:
    running = state(units={kubeadm.INIT_UNIT: "active"}, have=frozenset({kubeadm.CA}))

    assert bootstrap.initialise(running, "lab").do is Do.ATTACH
    assert (
        bootstrap.join(state(units={kubeadm.JOIN_UNIT: "active"}), "lab", control_plane=False).do is Do.ATTACH
    )


def test_an_own_interrupted_init_goes_on_and_ignores_exactly_its_leftovers() -> None:
    have = frozenset({kubeadm.CA, f"{kubeadm.ETC}/manifests/etcd.yaml", kubeadm.ETCD_DATA})
    left = state(have=have, marker=Marker("lab", "init"), units={kubeadm.KUBELET_UNIT: "active"})

    assert bootstrap.initialise(left, "lab") == Decision(
        Do.RUN,
        "kubeadm init was interrupted, it left /etc/kubernetes/manifests/etcd.yaml, "
        "/etc/kubernetes/pki/ca.crt, /var/lib/etcd/member",
        (
            "FileAvailable--etc-kubernetes-manifests-etcd.yaml",
            "Port-2379",
            "Port-2380",
            "FileAvailable--etc-kubernetes-pki-ca.crt",
            "DirAvailable--var-lib-etcd",
            "Port-10250",
        ),
    )


def test_a_manifest_that_is_gone_is_not_called_an_interrupted_init() -> None:
    gone = f"{kubeadm.ETC}/manifests/kube-apiserver.yaml"
    stopped = state(have=PLANE - {gone}, marker=Marker("lab", "init"), api=Objects(Reach.SILENT))

    decision = bootstrap.initialise(stopped, "lab")
    assert decision.do is Do.RUN
    assert decision.reason == f"{gone} is missing, and kubeadm init makes it again beside what is there"


@pytest.mark.parametrize(
    ("marker", "whose"),
    [
        (None, "that slipway did not make"),
        (Marker("other", "init"), "of `kubeadm init` for the cluster other"),
        (Marker("lab", "join"), "of `kubeadm join` for the cluster lab"),
    ],
)
def test_somebody_elses_leftovers_are_named_and_never_touched(marker: Marker | None, whose: str) -> None:
    with pytest.raises(HostError) as refused:
        bootstrap.initialise(state(have=frozenset({kubeadm.ETCD_DATA}), marker=marker), "lab")

    assert str(refused.value) == (
        f"n1 has files {whose}: /var/lib/etcd/member. Wanted: a host without a cluster. "
        "If nothing there is needed any more, run `kubeadm reset` on it yourself; slipway never does"
    )


def test_what_is_missing_of_a_finished_init_is_made_again_by_its_phase() -> None:
    unfinished = state(have=PLANE, api=api({}, "kube-proxy"))

    assert bootstrap.initialise(unfinished, "lab") == Decision(
        Do.PHASES,
        "of kubeadm init there is missing: mark-control-plane, addon kube-proxy",
        phases=("mark-control-plane", "addon kube-proxy"),
    )


def test_a_silent_api_server_is_waited_for_not_initialised_again() -> None:
    assert bootstrap.initialise(state(have=PLANE, api=Objects(Reach.SILENT)), "lab").do is Do.WAIT
    silent = state(have=WORKER, api=Objects(Reach.SILENT))
    assert bootstrap.join(silent, "lab", control_plane=False).do is Do.WAIT


def test_a_bare_host_is_joined_and_a_joined_one_left_alone() -> None:
    joined = state(have=WORKER, api=api({}))

    assert bootstrap.join(BARE, "lab", control_plane=False) == Decision(Do.RUN, "not joined yet")
    assert bootstrap.join(joined, "lab", control_plane=False) == Decision(Do.NOTHING)


def test_an_own_interrupted_join_goes_on() -> None:
    left = state(have=frozenset({kubeadm.BOOTSTRAP_CONF, kubeadm.CA}), marker=Marker("lab", "join"))

    assert bootstrap.join(left, "lab", control_plane=False) == Decision(
        Do.RUN,
        "kubeadm join was interrupted, it left /etc/kubernetes/bootstrap-kubelet.conf, "
        "/etc/kubernetes/pki/ca.crt",
        (
            "FileAvailable--etc-kubernetes-bootstrap-kubelet.conf",
            "FileAvailable--etc-kubernetes-pki-ca.crt",
        ),
    )


def test_a_control_plane_that_is_a_node_but_not_yet_one_of_them_skips_what_kubeadm_refuses_to_repeat() -> (
    None
):
    half = state(have=PLANE, marker=Marker("lab", "join"), api=api({}))

    decision = bootstrap.join(half, "lab", control_plane=True)

    assert (decision.do, decision.skip) == (Do.RUN, ("kubelet-start",))
    assert bootstrap.join(half, "lab", control_plane=False).do is Do.NOTHING


def test_a_node_that_was_deleted_from_the_api_registers_itself_again() -> None:
    assert bootstrap.join(state(have=WORKER, api=api(None)), "lab", control_plane=False).do is Do.REGISTER
