"""Simulated GPUs on real hosts: each face says what is wrong with it, on its host only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from deploy.lab.hardware import OFF, script
from tests.lab.preflight.conftest import NODES, Bare, Findings, failing
from tests.lab.preflight.faces import H100, ROUNDS, TAKEN, Face

CASES = [pytest.param(number, face, id=face.name) for number, faces in enumerate(ROUNDS) for face in faces]
HARDWARE = ("GPU", "INT", "AMD", "NV-")
NUMA = "AMD-04"  # of the machine under the lab, where nothing covers it
FORGETTING = "v1.34.1"
# no containerd, no network card of a known socket, no NVSwitch: nothing to say
GONE = ("RT-06", "GPU-13", "NV-06")
SECOND_H100 = "0000:45:00.0 H100"


def broken_of(findings: Findings, host: str) -> dict[str, str]:
    """Return what the checks of hardware find wrong with a host."""
    return {
        check: each["found"]
        for (check, where), each in findings.items()
        if where == host
        and check[:3] in HARDWARE
        and check != NUMA
        and each["status"] not in ("pass", "skipped")
    }


@pytest.fixture(scope="module")
def faces(bare: Bare) -> Iterator[Bare]:
    """The hosts, whose faces are taken off in the end."""
    yield bare
    bare.on_each({host: OFF for host, _ in NODES})
    for each in bare.data["nodes"]:
        each.pop("gpus", None)
    bare.write()


def declare(bare: Bare, number: int) -> None:
    """Have the inventory declare what the hosts of a round should have."""
    for node, face in zip(bare.data["nodes"], ROUNDS[number], strict=True):
        node["gpus"] = face.declared
    bare.write()


def put_on(bare: Bare, number: int) -> None:
    """Give the hosts the faces of a round, and declare what they should be."""
    declare(bare, number)
    bare.break_(
        {face.host: [(face.profile, script(face.profile)), *((face.name, each) for each in face.make)]
         for face in ROUNDS[number]}
    )  # fmt: skip


@pytest.fixture(scope="module")
def seen(faces: Bare) -> Callable[[int], Findings]:
    """Return what preflight says of a round; each is put on once."""

    @cache
    def findings(number: int) -> Findings:
        try:
            put_on(faces, number)
            return faces.findings()
        finally:
            faces.mend({face.host: list(face.mend) for face in ROUNDS[number]})

    return findings


@pytest.fixture(scope="module")
def whole(seen: Callable[[int], Findings], faces: Bare) -> Callable[[int], Findings]:
    """Return what preflight says of a round whose hardware has been put right."""

    @cache
    def findings(number: int) -> Findings:
        seen(number)  # broken first, then mended
        declare(faces, number)
        faces.break_({face.host: [(face.name, script(face.mended))] for face in ROUNDS[number]})
        return faces.findings()

    return findings


@pytest.mark.parametrize(("number", "face"), CASES)
def test_a_face_is_found_as_it_is_on_its_host_only(
    seen: Callable[[int], Findings], number: int, face: Face
) -> None:
    findings = seen(number)

    for check, said in face.found.items():
        found = findings[check, face.host]
        assert (check, found["status"]) == (check, "fail"), found
        assert re.fullmatch(said, found["found"]), found
        assert failing(findings, check) == {face.host}, check
    if not face.found:
        assert broken_of(findings, face.host) == {}


@pytest.mark.parametrize(("number", "face"), [case for case in CASES if case.values[1].found])
def test_a_face_that_is_put_right_passes(whole: Callable[[int], Findings], number: int, face: Face) -> None:
    findings = whole(number)

    for check in face.found.keys() - {NUMA}:
        found = findings[check, face.host]
        assert found["status"] == ("skipped" if check in GONE else "pass"), (check, found)


def test_the_fix_against_nouveau_is_made_once_and_holds_after_the_boot(faces: Bare) -> None:
    faces.data["nodes"][1]["gpus"] = H100 | {"count": 2}
    faces.write()
    try:
        faces.on("n2", script(TAKEN))
        before = faces.findings()
        faces.slipway("preflight", "--fix", "GPU-02", "--yes")
        written = faces.on("n2", "cat /etc/modprobe.d/slipway-nouveau.conf")
        again = faces.slipway("preflight", "--fix", "GPU-02", "--yes")
        faces.on("n2", script("two-h100"))  # what the next boot makes of it
        after = faces.findings()
    finally:
        faces.on("n2", "rm -f /etc/modprobe.d/slipway-nouveau.conf")

    assert (before["GPU-02", "n2"]["status"], before["GPU-02", "n2"]["found"]) == (
        "fail", f"{SECOND_H100} is bound to nouveau",
    )  # fmt: skip
    assert written.splitlines()[-1] == "blacklist nouveau"
    assert again.stderr.splitlines()[-1] == "0 changes."  # it is asked for until the boot
    assert (after["GPU-02", "n2"]["status"], after["GPU-02", "n2"]["found"]) == ("pass", "2x nvidia")


def test_what_is_declared_and_there_says_that_it_is_simulated(seen: Callable[[int], Findings]) -> None:
    [number] = [number for number, each in enumerate(ROUNDS) if each[2].profile == "two-a770"]
    findings = seen(number)

    assert findings["GPU-01", "n3"]["found"] == (
        "2x intel A770; not counted: integrated graphics (simulated)"
    )
    assert findings["GPU-05", "n3"]["found"] == "A770 16 GiB"
    assert findings["GPU-11", "n3"]["found"] == "2 at full width"


def test_an_instinct_host_shows_its_cards_and_its_fix_mends_it(faces: Bare) -> None:
    [number] = [number for number, each in enumerate(ROUNDS) if "AMD-04" in each[2].found]
    try:
        put_on(faces, number)
        shown = faces.on("n3", "lspci -nn")
        faces.slipway("preflight", "--fix", "AMD-04", "--yes")
        after = faces.findings()
        again = faces.slipway("preflight", "--fix", "AMD-04", "--yes")
    finally:
        faces.mend({face.host: list(face.mend) for face in ROUNDS[number]})
        faces.on("n3", "rm -f /etc/sysctl.d/90-slipway-numa.conf")

    assert shown.count("Processing accelerators [1200]") == shown.count("[1002:74a1]") == 8
    assert (after["AMD-04", "n3"]["status"], after["AMD-04", "n3"]["found"]) == ("pass", "0")
    assert again.stderr == "Nothing that was named needs a fix.\n"


def test_a_version_that_forgets_claimed_gpus_is_found(faces: Bare) -> None:
    """No host is asked again: what was read of the declared GPUs is judged against another version."""
    declare(faces, len(ROUNDS) - 1)
    saved = faces.directory / "declared.json"
    declared = faces.findings("--save", str(saved))
    data = faces.data | {"kubernetes": {"version": FORGETTING}}
    other = Bare(faces.lab, faces.name, faces.directory / "other", data, mirror=faces.mirror)
    other.directory.mkdir()
    other.write()

    findings = other.findings("--baseline", str(saved))

    assert declared["DRA-03", None]["status"] == "pass"
    assert (findings["DRA-03", None]["status"], findings["DRA-03", None]["found"]) == ("fail", FORGETTING)


def test_a_host_without_its_face_is_itself_again(faces: Bare) -> None:
    faces.on_each({host: OFF for host, _ in NODES})

    findings = faces.findings()

    assert findings["GPU-01", "n2"]["found"] == "no GPU"
    assert faces.on("n2", "grep -c '^overlay /sys' /proc/mounts", check=False) == "0"
