"""The faces of hardware, put over this machine's own in a mount namespace, and read as a host's are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from checks.collect.observed import Observed, Window, observed
from checks.collect.script import answers
from checks.collect.script import script as collector
from checks.collect.sections import sections
from checks.finding import Status
from checks.preflight import preflight
from deploy.lab.errors import LabUsageError
from deploy.lab.hardware import OFF, profiles, script
from deploy.model import Cluster
from deploy.observe.gpu_state import Fabric
from tests.lab.preflight.faces import ROUNDS, TAKEN, Face

MARK = "@0123456789abcdef"
READ = ("system", "modules", "kernels", "pci", "gpu_state")
FACES = [face for faces in ROUNDS for face in faces if not face.make]
# devices go into a directory of the test's own: the machine's are neither seen nor touched
COVER = """
mount -t tmpfs none /mnt
mkdir /mnt/dev
for each in null zero urandom; do cp -a /dev/$each /mnt/dev/; done
mount --bind /mnt/dev /dev
mount -t tmpfs none /run
"""
own_mounts = pytest.mark.skipif(
    os.geteuid() != 0
    or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0,
    reason="only root may cover up a part of the machine",
)


def inside(text: str, *command: str) -> str:
    """Run a script with /dev and /run covered, then a command; return what the command printed."""
    whole = f'{COVER}\n{text}\nexec "$@"'
    return subprocess.run(
        ["unshare", "-m", "sh", "-ec", whole, "sh", *command],
        capture_output=True,
        timeout=60,
        check=True,
        text=True,
    ).stdout


def with_face(profile: str, more: str = "") -> Observed:
    chosen = [each for each in sections(()) if each.name in READ]
    said = inside(f"{script(profile)}\n{more}", "sh", "-c", collector(chosen, MARK))
    return observed("w1", answers(said, MARK), Window(0, 1))


def declaring(face: Face) -> Cluster:
    nodes = [
        {"name": "cp1", "address": "192.168.1.10", "roles": ["control-plane"]},
        {"name": "w1", "address": "192.168.1.11", "roles": ["worker"], "gpus": face.declared},
    ]
    return Cluster.model_validate({"name": "home", "nodes": nodes})


@own_mounts
@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_a_face_says_what_is_wrong_with_it_and_nothing_else_of_its_kind(face: Face) -> None:
    findings = {
        each.check: each for each in preflight(declaring(face), [with_face(face.profile)]) if each.host
    }

    for check, said in face.found.items():
        assert (check, findings[check].status) == (check, Status.FAIL)
        assert re.fullmatch(said, findings[check].found), findings[check]
    if not face.found:
        hardware = {check: each for check, each in findings.items() if check[:3] in ("GPU", "INT", "NV-")}
        read_here = {check for check, each in hardware.items() if "it was not asked for" not in each.found}
        ends = {hardware[check].status for check in read_here - {"GPU-13"}}
        assert ends <= {Status.PASS, Status.SKIPPED}


@own_mounts
def test_a_face_that_is_taken_off_leaves_nothing() -> None:
    before = inside("", "sh", "-c", "ls /sys/bus/pci/devices /dev; grep -c overlay /proc/mounts || :")

    after = inside(
        f"{script('eight-h100')}\n{script('two-a770')}\n{OFF}",
        *("sh", "-c", "ls /sys/bus/pci/devices /dev; grep -c overlay /proc/mounts || :"),
    )

    assert after == before


@own_mounts
@pytest.mark.skipif(not shutil.which("lspci"), reason="no lspci here")
def test_lspci_shows_the_cards() -> None:
    shown = inside(script("two-a770"), "lspci", "-nn")

    assert len(re.findall(r"VGA compatible controller .*\[8086:56a0\]", shown)) == 2
    assert "[8086:a780]" in shown


def test_every_profile_is_tried_on_hosts() -> None:
    on_hosts = {name for faces in ROUNDS for face in faces for name in (face.profile, face.mended)}
    assert set(profiles()) == on_hosts | {TAKEN}


def test_an_unknown_profile_names_those_that_are() -> None:
    with pytest.raises(LabUsageError) as caught:
        script("a100")

    assert str(caught.value) == f"there is no hardware 'a100'; known are: {', '.join(profiles())}"


MANAGER = """
mkdir -p /run/tools
printf '%s\\n' '#!/bin/sh' 'echo "Fabric Manager version is : 595.91.07"' > /run/tools/nv-fabricmanager
printf '%s\\n' '#!/bin/sh' 'echo active' > /run/tools/systemctl
chmod +x /run/tools/*
PATH=/run/tools:$PATH; export PATH
"""


@own_mounts
@pytest.mark.parametrize(
    ("profile", "more", "wanted"),
    [
        ("hgx-h100", MANAGER, Fabric(4, "active", "595.91.07")),
        ("eight-h100", MANAGER, None),
        ("eight-mi300x", MANAGER, None),
    ],
)
def test_switches_are_counted_and_what_manages_them_is_asked(
    profile: str, more: str, wanted: Fabric | None
) -> None:
    host = with_face(profile, more)

    assert host.gpu_state is not None
    assert host.gpu_state.fabric == wanted
