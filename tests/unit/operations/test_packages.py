from __future__ import annotations

import pytest

from deploy.errors import HostError
from deploy.operations import packages
from tests.unit.operations.conftest import Plan

DPKG = "dpkg-query"


def test_installed_packages_are_left_alone(plan: Plan) -> None:
    answers = {DPKG: ["dpkg", "install installed curl 7.88.1-10+deb12u14"]}

    assert plan(packages.installed, ["curl"], answers=answers).commands == []


def test_missing_packages_are_installed_by_one_apt_that_waits_for_others(plan: Plan) -> None:
    answers = {DPKG: ["dpkg", "deinstall config-files socat 1.7", "install installed curl 7.88"]}

    planned = plan(packages.installed, ["curl", "socat", "kmod"], answers=answers)

    apt = (
        "apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 -o Acquire::http::Timeout=20"
        " -o Dpkg::Options::=--force-confold"
    )
    install = f"{apt} install -y --no-install-recommends -- socat kmod"
    assert planned.commands == [
        (
            "export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1; "
            '[ -z "$(dpkg --audit)" ] || dpkg --force-confold --configure -a; '
            f"{install} || {{ {apt} update && {install} ; }}"
        )
    ]
    assert planned.reasons == ["not installed: socat, kmod"]


def test_only_what_is_installed_as_a_package_is_held(plan: Plan) -> None:
    answers = {DPKG: ["dpkg", "install installed kubelet 1.36.3-1.1", "hold installed kubeadm 1.36.3-1.1"]}

    planned = plan(packages.held, ["kubelet", "kubeadm", "containerd"], answers=answers)

    assert (planned.commands, planned.reasons) == (["apt-mark hold -- kubelet"], ["not held: kubelet"])


def test_a_host_without_dpkg_is_an_error_that_says_what_is_supported(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        plan(packages.installed, ["curl"])

    assert str(error.value) == (
        "curl cannot be looked up: the host has no dpkg; slipway prepares Debian and Ubuntu hosts"
    )
