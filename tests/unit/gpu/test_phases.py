"""Phases, hosts and files that follow from the declared GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy.catalog import gpu_needs
from deploy.catalog.needs import needed
from deploy.model import Cluster, Vendor
from deploy.plan import phases
from deploy.steps import gpu_hosts
from tests.unit.fake_host import changes, locked, prepared
from tests.unit.gpu.clusters import ARC, HOPPER, INSTINCT, cluster, mixed
from tests.unit.gpu.stacks import PLUGIN

CERT_MANAGER = {
    "cert-manager-acmesolver",
    "cert-manager-cainjector",
    "cert-manager-chart",
    "cert-manager-controller",
    "cert-manager-webhook",
}


def names(declared: Cluster) -> list[str]:
    return [phase.name for phase in phases(declared) if phase.name.startswith(("gpu", "cert", "node-"))]


def test_phases_are_those_that_the_declared_gpus_call_for() -> None:
    assert names(cluster()) == []
    assert names(cluster(ARC)) == ["gpu-hosts", "gpu-intel"]
    assert names(cluster(PLUGIN)) == ["gpu-hosts", "certificates", "gpu-intel"]
    assert names(cluster(INSTINCT, HOPPER, gpu={"node_feature_discovery": True})) == [
        "gpu-hosts",
        "certificates",
        "node-features",
        "gpu-amd",
        "gpu-nvidia",
    ]
    assert names(cluster(INSTINCT, gpu={"amd": {"manifest": "own.yaml"}})) == ["gpu-hosts", "gpu-amd"]


def test_gpu_hosts_are_those_with_gpus() -> None:
    phase = next(phase for phase in phases(mixed()) if phase.name == "gpu-hosts")

    assert phase.hosts(mixed()) == ("w1", "w2", "w3", "w4")


def test_what_is_locked_is_what_the_stacks_install() -> None:
    def keys(*gpus: dict[str, Any], **more: Any) -> set[str]:
        both = needed(cluster(*gpus, **more)), needed(cluster())
        with_gpus, without = ({entry.key for entry in (*each.files, *each.images)} for each in both)
        return with_gpus - without

    assert keys(ARC) == {"intel-gpu-resource-driver-chart", "intel-gpu-driver"}
    assert keys(PLUGIN) == {
        "intel-device-plugins-operator-chart",
        *CERT_MANAGER,
        "intel-plugin-operator",
        "intel-gpu-plugin",
    }
    assert keys(HOPPER, gpu={"node_feature_discovery": True}) == {
        "nvidia-gpu-operator-chart",
        "node-feature-discovery-chart",
        "node-feature-discovery",
        "nvidia-operator",
        "nvidia-dra-driver",
    }
    assert keys({**INSTINCT, "allocation": "dra"}) == {
        "amd-gpu-operator-chart",
        *CERT_MANAGER,
        "amd-operator",
        "amd-utils",
        "amd-init",
        "amd-dra-driver",
    }
    assert keys(ARC, gpu={"intel": {"manifest": "own.yaml"}}) == set()


def test_a_release_of_the_inventorys_choice_is_the_one_that_is_fetched() -> None:
    declared = cluster(INSTINCT, ARC, gpu={"amd": {"version": "1.5.0"}, "intel": {"version": "0.10.0"}})

    assert [(entry.version, entry.url.rpartition("/")[2]) for entry in gpu_needs.files(declared)] == [
        ("v1.5.0", "gpu-operator-charts-v1.5.0.tgz")
    ]
    assert gpu_needs.images(declared)[0].ref.rpartition(":")[2] == "0.10.0"


def test_unattended_upgrades_leave_the_declared_driver_alone() -> None:
    packages = ["nvidia-driver-580-server-open"]
    declared = cluster(HOPPER, gpu={"nvidia": {"driver": "packages", "packages": packages}})

    assert gpu_hosts.upgrades({Vendor.NVIDIA: declared.gpu.nvidia}).decode().splitlines()[2:] == [
        "Unattended-Upgrade::Package-Blacklist {",
        '    "^linux-objects-nvidia-";',
        '    "^libcuda1$";',
        '    "^firmware-nvidia-";',
        '    "^nvidia\\-driver\\-580\\-server\\-open$";',
        "};",
    ]


def test_a_card_that_nouveau_holds_is_waited_for_before_the_driver_is_loaded(tmp_path: Path) -> None:
    """The blacklist is there by then, so that the reboot that is asked for helps."""
    packages = ["nvidia-driver", "linux-headers-amd64"]
    declared = cluster(HOPPER, gpu={"nvidia": {"driver": "packages", "packages": packages}})
    answers = {
        "stat --printf='%F": "end-of-files",
        "module $m works": ["kernel 6.1", "module nouveau works", "module nvidia missing"],
        "dpkg-query": "dpkg",
        "/proc/sys/": "end",
        "getent": "end",
    }

    lock = locked(declared, tmp_path / "home.lock.yaml")
    with prepared(gpu_hosts.gpu_hosts, declared, declared.node("w1"), lock, answers) as (state, host):
        planned = [name for name, changed in changes(state, host).items() if changed]

    assert planned[:4] == [
        "Install the driver",
        "Keep nouveau away",
        "Take the cards from nouveau",
        "Load the driver",
    ]
