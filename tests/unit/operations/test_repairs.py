from __future__ import annotations

import pytest

from deploy.errors import HostError
from deploy.operations import repairs
from tests.unit.operations.conftest import Plan

PACKAGES = "dpkg --audit"
MACHINE_ID = "cat /etc/machine-id"


def test_what_is_half_installed_is_finished(plan: Plan) -> None:
    planned = plan(repairs.configured, answers={PACKAGES: ["manager apt", "broken half other "]})

    assert planned.commands == ["DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a"]
    assert planned.reasons == ["half installed: half, other"]


def test_whole_packages_are_left_alone(plan: Plan) -> None:
    assert plan(repairs.configured, answers={PACKAGES: ["manager apt"]}).commands == []


def test_unread_packages_are_not_taken_for_whole(plan: Plan) -> None:
    with pytest.raises(HostError, match=r"^could not read the packages' state$"):
        plan(repairs.configured)


def test_precious_packages_are_held_and_others_are_not(plan: Plan) -> None:
    answers = [
        "manager apt",
        "package containerd.io 2.1.0 ii",
        "package kubectl 1.36.3 hi",
        "package kube-linter 1.0 ii",
    ]

    planned = plan(repairs.precious_held, answers={PACKAGES: answers})

    assert planned.commands == ["apt-mark hold -- containerd.io"]
    assert planned.reasons == ["not held: containerd.io"]


def test_a_host_without_a_machine_id_gets_one(plan: Plan) -> None:
    planned = plan(repairs.machine_id_is_own, answers={MACHINE_ID: ["end"]})

    assert planned.commands == ["rm -f /etc/machine-id /var/lib/dbus/machine-id && systemd-machine-id-setup"]
    assert planned.reasons == ["there is no machine-id"]


def test_a_machine_id_of_its_own_stays(plan: Plan) -> None:
    planned = plan(
        repairs.machine_id_is_own, answers={MACHINE_ID: ["3d1219c7c4c5404aaa1f6d2a48adfda4", "end"]}
    )

    assert planned.commands == []
