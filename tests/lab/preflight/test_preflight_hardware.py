"""Simulated GPUs on a real host: each profile says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from deploy.lab.hardware import OFF, script
from tests.lab.preflight.breaks import FACES, Face
from tests.lab.preflight.conftest import Bare

pytestmark = pytest.mark.trial


@pytest.fixture(scope="module")
def declared(bare: Bare) -> Iterator[Bare]:
    """n2 declares two A770."""
    bare.data["nodes"][1]["gpus"] = {"vendor": "intel", "model": "A770", "count": 2}
    bare.write()
    yield bare
    bare.on("n2", OFF)
    del bare.data["nodes"][1]["gpus"]
    bare.write()


def test_what_is_declared_and_there_passes(declared: Bare) -> None:
    declared.on("n2", script("two-a770"))

    findings = declared.findings()

    mine = {
        check: each
        for (check, host), each in findings.items()
        if host == "n2" and check[:3] in ("GPU", "INT")
    }
    assert {check: each["found"] for check, each in mine.items() if each["status"] == "fail"} == {}
    assert mine["GPU-01"]["found"] == "2x intel A770; not counted: integrated graphics (simulated)"
    assert mine["GPU-05"]["found"] == "A770 16 GiB"
    assert mine["GPU-11"]["found"] == "2 at full width"


@pytest.mark.parametrize("face", FACES, ids=lambda face: f"{face.check}-{face.profile}")
def test_a_face_with_one_thing_wrong_is_found_on_its_host_only(declared: Bare, face: Face) -> None:
    declared.on("n2", script(face.profile))
    declared.on("n2", face.make.format())
    try:
        findings = declared.findings()
    finally:
        declared.on("n2", face.mend.format(), check=False)

    found = findings[face.check, "n2"]
    assert found["status"] == "fail"
    assert re.fullmatch(face.found, found["found"]), found
    failing = {
        host for (check, host), each in findings.items() if check == face.check and each["status"] == "fail"
    }
    assert failing == {"n2"}


def test_a_host_without_its_face_is_itself_again(declared: Bare) -> None:
    declared.on("n2", OFF)

    findings = declared.findings()

    assert findings["GPU-01", "n2"]["found"] == "no GPU"
    assert declared.on("n2", "grep -c '^overlay /sys' /proc/mounts", check=False) == "0"
