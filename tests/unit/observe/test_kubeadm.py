"""What kubeadm left on a host."""

from __future__ import annotations

import json

from deploy.observe import kubeadm, resolver
from deploy.observe.kube import Key, Reach
from deploy.observe.kubeadm import Marker

UNITS = [
    "unit Id=slipway-kubeadm-init.service",
    "unit ActiveState=active",
    "unit ",
    "unit Id=slipway-kubeadm-join.service",
    "unit ActiveState=inactive",
    "unit ",
    "unit Id=kubelet.service",
    "unit ActiveState=activating",
]


def test_a_bare_host_has_nothing_and_no_cluster() -> None:
    state = kubeadm.parse("cp1", ["marker ", *UNITS])

    assert state is not None
    assert (state.have, state.marker, state.api.reach, state.known) == (
        frozenset(),
        None,
        Reach.NO_CLUSTER,
        None,
    )
    assert state.running(kubeadm.INIT_UNIT)
    assert not state.running(kubeadm.JOIN_UNIT)


def test_a_control_plane_shows_its_files_its_marker_and_what_the_api_knows() -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "cp1", "labels": {"node-role.kubernetes.io/control-plane": ""}},
    }
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kubeadm-config", "namespace": "kube-system"},
    }
    state = kubeadm.parse(
        "cp1",
        [
            "have /etc/kubernetes/admin.conf",
            "have /var/lib/etcd/member",
            'marker {"cluster": "lab", "verb": "init"}',
            *UNITS,
            "=== slipway live",
            json.dumps(node),
            json.dumps({"apiVersion": "v1", "kind": "List", "items": [config]}),
        ],
    )

    assert state is not None
    assert state.have == {"/etc/kubernetes/admin.conf", "/var/lib/etcd/member"}
    assert state.marker == Marker("lab", "init")
    assert state.api.live.keys() == {
        Key("", "Node", "", "cp1"),
        Key("", "ConfigMap", "kube-system", "kubeadm-config"),
    }
    assert state.missing_addons == (
        "upload-config kubelet",
        "bootstrap-token",
        "addon kube-proxy",
        "addon coredns",
    )


def test_a_broken_marker_is_nobodys() -> None:
    state = kubeadm.parse("cp1", ['marker {"cluster"', *UNITS])

    assert state is not None
    assert state.marker is None


def test_a_host_whose_systemd_is_silent_was_not_read() -> None:
    assert kubeadm.parse("cp1", ["marker "]) is None


def test_a_stub_on_loopback_is_passed_by() -> None:
    stub = ["nameserver 127.0.0.53", "options edns0", "# has-upstream", "# end"]

    assert resolver.parse(stub) == "/run/systemd/resolve/resolv.conf"
    assert resolver.parse(["nameserver 10.0.0.1", "# has-upstream", "# end"]) == "/etc/resolv.conf"
    assert resolver.parse(["nameserver 127.0.0.1", "# end"]) == "/etc/resolv.conf"
    assert resolver.parse(["nameserver 127.0.0.53"]) is None
