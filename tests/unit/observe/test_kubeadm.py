"""What kubeadm left on a host."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from deploy.observe import kubeadm, living, resolver
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
    state = kubeadm.parse("cp1", ["marker ", *UNITS, "live", "=== slipway no cluster"])

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
            "live",
            json.dumps(node),
            "=== slipway 200 https://api/x",
            json.dumps(config),
            "=== slipway 200 https://api/x",
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
    )


def test_a_kubelet_that_renews_its_certificate_and_reads_the_first_one_is_to_be_finalized() -> None:
    lines = ["unfinalized", "marker ", *UNITS, "live", "=== slipway no cluster"]
    with_pem = kubeadm.parse("cp1", lines)
    without = kubeadm.parse("cp1", lines[1:])

    assert with_pem is not None
    assert without is not None
    assert with_pem.missing_addons == (
        *("mark-control-plane", "upload-config kubeadm", "upload-config kubelet", "bootstrap-token"),
        *("kubelet-finalize all", "addon kube-proxy"),
    )
    assert "kubelet-finalize all" not in without.missing_addons


def test_whether_a_kubelet_is_finalized_is_read_from_its_two_files(tmp_path: Path) -> None:
    pem, conf = tmp_path / "kubelet-client-current.pem", tmp_path / "kubelet.conf"

    def said() -> str:
        return subprocess.run(
            ["sh", "-c", kubeadm.unfinalized(str(pem), str(conf))],
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    conf.write_text("client-certificate-data: LS0t")
    assert said() == ""
    pem.touch()
    assert said() == "unfinalized\n"
    conf.write_text(f"client-certificate: {pem}")
    assert said() == ""


def test_a_node_asks_with_its_own_certificate_and_no_more_than_for_itself() -> None:
    admin, _, node = kubeadm.command("w1").partition("\nelse\n")

    assert node.count('"$server"/') == 1
    assert '"$server"/api/v1/nodes/w1 ' in node
    assert "/etc/kubernetes/kubelet.conf" in node
    assert admin.count('"$server"/') == 6


def test_what_the_api_was_not_asked_for_is_not_missing() -> None:
    state = kubeadm.parse("cp1", ["marker ", *UNITS])

    assert state is not None
    assert state.api.reach is Reach.SILENT


@pytest.mark.parametrize(
    ("api", "said"),
    [('{"status":{"nodeInfo":{"kubeletVersion":"v1.36.3"}}}', "v1.36.3"), ("{}", "v1.35.4")],
    ids=["the kubelet that runs", "the binary where the API is silent"],
)
def test_the_version_that_a_node_lives_with_is_the_running_one(tmp_path: Path, api: str, said: str) -> None:
    (tmp_path / "kubelet.conf").write_text("server: https://10.0.0.1:6443")
    for name, prints in {"curl": api, "kubelet": "Kubernetes v1.35.4"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{prints}'\n")
        (tmp_path / name).chmod(0o755)
    script = living.command("w1").replace(kubeadm.KUBELET_CONF, str(tmp_path / "kubelet.conf"))

    ran = subprocess.run(
        ["sh", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )

    assert living.parse(ran.stdout.splitlines()) == said


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
