from __future__ import annotations

import tomllib
from typing import Any

import pytest

from deploy.model import Cluster
from deploy.operations.files import File
from deploy.steps import containerd
from deploy.steps.k3s import config as k3s

PAUSE = "registry.k8s.io/pause:3.10.2"


def cluster(**parts: Any) -> Cluster:
    nodes = [{"name": "cp1", "address": "10.0.0.1", "roles": ["control-plane"]}]
    return Cluster.model_validate({"name": "homelab", "nodes": nodes, **parts})


def config(wanted: Cluster) -> File:
    return containerd.config(wanted, wanted.nodes[0], PAUSE)


def unit(wanted: Cluster) -> str:
    content = containerd.unit(wanted, config(wanted)).content
    assert content is not None
    return content.decode()


def test_the_configuration_is_of_schema_three_with_systemd_cgroups_cdi_and_the_pause_image() -> None:
    found = tomllib.loads(config(cluster()).content.decode())

    plugins = found["plugins"]
    assert found["version"] == 3
    assert plugins["io.containerd.cri.v1.images"] == {
        "pinned_images": {"sandbox": PAUSE},
        "registry": {"config_path": "/etc/containerd/certs.d"},
    }
    assert plugins["io.containerd.cri.v1.runtime"] == {
        "enable_cdi": True,
        "cdi_spec_dirs": ["/etc/cdi", "/var/run/cdi"],
        "restrict_oom_score_adj": False,
        "containerd": {
            "runtimes": {
                "runc": {
                    "runtime_type": "io.containerd.runc.v2",
                    "options": {"BinaryName": "/usr/local/sbin/runc", "SystemdCgroup": True},
                }
            }
        },
    }


def test_the_unit_has_upstreams_limits_and_keeps_pods_over_a_restart() -> None:
    lines = unit(cluster()).splitlines()

    assert {
        "ExecStartPre=/bin/mkdir -p /etc/cdi /var/run/cdi",
        "Type=notify",
        "Delegate=yes",
        "KillMode=process",
        "LimitNOFILE=infinity",
        "LimitNPROC=infinity",
        "TasksMax=infinity",
        "OOMScoreAdjust=-999",
    } <= set(lines)


def test_a_host_that_may_not_lower_oom_scores_gets_declared_limits_and_no_score() -> None:
    restricted = cluster(
        containerd={"limits": {"nofile": 20000, "nproc": 4096}, "restrict_oom_score_adj": True}
    )

    lines = unit(restricted).splitlines()

    assert {"LimitNOFILE=20000", "LimitNPROC=4096"} <= set(lines)
    assert [line for line in lines if line.startswith("OOMScoreAdjust")] == []
    assert b"restrict_oom_score_adj = true" in config(restricted).content


@pytest.mark.parametrize(
    ("vendor", "model", "allocation", "owned"),
    [
        ("intel", "A770", "device-plugin", True),
        ("amd", "MI300X", "device-plugin", True),
        ("nvidia", "H100", "device-plugin", None),
        ("intel", "A770", "dra", None),
    ],
)
def test_pods_own_the_cards_that_a_device_plugin_gives_them_where_a_group_alone_would_open_them(
    vendor: str, model: str, allocation: str, owned: bool | None
) -> None:
    gpus = {"vendor": vendor, "model": model, "count": 1, "allocation": allocation}
    nodes = [{"name": "cp1", "address": "10.0.0.1", "roles": ["control-plane"], "gpus": gpus}]
    alone = Cluster.model_validate({"name": "homelab", "nodes": nodes})

    found = tomllib.loads(config(alone).content.decode())["plugins"]["io.containerd.cri.v1.runtime"]

    assert found.get("device_ownership_from_security_context") is owned
    assert k3s.server(alone, alone.nodes[0]).get("nonroot-devices") is owned
    assert k3s.agent(alone, alone.nodes[0]).get("nonroot-devices") is owned


def test_every_registry_of_the_catalogue_is_asked_through_the_mirror() -> None:
    files = containerd.mirrors(cluster(artifacts={"registry_mirror": "http://10.0.0.9:5000"}))

    assert {file.path: tomllib.loads(file.content.decode()) for file in files} == {
        f"/etc/containerd/certs.d/{registry}/hosts.toml": {
            "server": server,
            "host": {"http://10.0.0.9:5000": {"capabilities": ["pull", "resolve"]}},
        }
        for registry, server in {
            "registry.k8s.io": "https://registry.k8s.io",
            "docker.io": "https://registry-1.docker.io",
            "ghcr.io": "https://ghcr.io",
            "quay.io": "https://quay.io",
        }.items()
    }


def test_without_a_mirror_nothing_is_said_about_registries() -> None:
    assert containerd.mirrors(cluster()) == []


def test_containerd_restarts_for_its_configuration_and_its_binary() -> None:
    wanted = config(cluster())

    assert containerd.unit(cluster(), wanted).inputs == (wanted, "/usr/local/bin/containerd")
