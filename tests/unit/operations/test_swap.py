from __future__ import annotations

import base64

import pytest

from deploy.errors import HostError
from deploy.operations import swap
from tests.unit.operations.conftest import Plan, Planned

FILES, SWAP = "stat --printf='%F", "/proc/swaps"
DISK = "UUID=1 / ext4 defaults 0 1\n"
THERE = ["regular file\t644\troot\troot\t/etc/fstab", f"{'a' * 64}  /etc/fstab", "end-of-files"]


def off(plan: Plan, *lines: str, fstab: str = DISK) -> Planned:
    content = base64.b64encode(fstab.encode()).decode()
    return plan(swap.disabled, answers={FILES: THERE, SWAP: ["readable", f"fstab {content}", *lines]})


def test_a_host_without_swap_is_left_alone(plan: Plan) -> None:
    planned = off(
        plan, "unit masked dev-sda2.swap", "unit disabled swap.img.swap", "unit disabled zramswap.service"
    )

    assert (planned.commands, planned.reasons) == ([], [])


def test_an_unread_swap_is_not_taken_for_off(plan: Plan) -> None:
    with pytest.raises(HostError, match=r"^could not read /proc/swaps, so swap may be on$"):
        plan(swap.disabled)


def test_every_active_device_is_turned_off_whatever_its_name(plan: Plan) -> None:
    planned = off(plan, "active /dev/sda2", r"active /mnt/big\040disk/swap.img")

    assert planned.commands == ["swapoff -- /dev/sda2", "swapoff -- '/mnt/big disk/swap.img'"]
    assert planned.reasons == ["/dev/sda2 is swapped to", "/mnt/big disk/swap.img is swapped to"]


def test_fstab_entries_are_commented_out_with_blanks_and_with_tabs(plan: Plan) -> None:
    fstab = f"# swap was on sda2\n{DISK}/swap.img none swap sw 0 0\n/dev/sda2\tnone\tswap\tdefaults\n"

    planned = off(plan, fstab=fstab)

    assert base64.b64decode(planned.stdin[0]).decode() == (
        f"# swap was on sda2\n{DISK}"
        "# by slipway: /swap.img none swap sw 0 0\n"
        "# by slipway: /dev/sda2\tnone\tswap\tdefaults\n"
    )
    assert planned.commands[1:] == ["systemctl daemon-reload"]


def test_enabled_units_are_disabled_and_generated_ones_masked(plan: Plan) -> None:
    planned = off(
        plan,
        "unit enabled dphys-swapfile.service",
        "unit enabled swap.img.swap",
        "unit static dev-sdb1.swap",
        "unit generated dev-sda2.swap",
    )

    assert planned.commands == [
        "systemctl disable --now -- dphys-swapfile.service",
        "systemctl disable --now -- swap.img.swap",
        "systemctl mask -- dev-sda2.swap",
    ]


def test_swap_on_zram_is_hidden_and_a_file_of_the_operator_is_kept(plan: Plan) -> None:
    shipped = off(plan, "zram /usr/lib/systemd/zram-generator.conf")
    own = off(plan, "zram /etc/systemd/zram-generator.conf")

    assert base64.b64decode(shipped.stdin[0]) == b"# Written by slipway: no swap on compressed memory.\n"
    assert len(shipped.commands) == 1
    assert own.commands[0] == (
        "cp -p -- /etc/systemd/zram-generator.conf /etc/systemd/zram-generator.conf.before-slipway"
    )
