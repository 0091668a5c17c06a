"""Three control planes behind a virtual address, and the other Kubernetes version."""

from __future__ import annotations

import json
import os
import ssl
import urllib.request
from collections.abc import Iterator

import pytest

from tests.lab.conftest import KEEP, running
from tests.lab.site import KUBECTL, Site, site, until


def healthy(address: str) -> bool:
    """Say whether an API server answers there; its certificate is not the matter here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(f"https://{address}:6443/livez", timeout=3, context=context) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three control planes and a worker."""
    for lab in running("test-several", 26, 4):
        made = site(
            lab,
            "test-several",
            tmp_path_factory.mktemp("several"),
            [
                *((f"n{number}", f"cp{number}", "control-plane") for number in (1, 2, 3)),
                ("n4", "w1", "worker"),
            ],
            endpoint=str(lab.subnet[250]),
        )
        made.ok("apply", "--yes")
        yield made
        if KEEP not in os.environ:
            made.forget()


def test_three_control_planes_are_ready_and_a_second_apply_changes_nothing(several: Site) -> None:
    nodes = json.loads(several.on("n1", f"{KUBECTL} get nodes -o json"))["items"]
    assert sorted(each["metadata"]["name"] for each in nodes) == ["cp1", "cp2", "cp3", "w1"]

    assert "0 changes." in several.ok("apply", "--yes")


@pytest.mark.parametrize("host", ["n1", "n2", "n3"])
def test_the_api_answers_with_any_one_control_plane_stopped(several: Site, host: str) -> None:
    address = str(several.lab.subnet[250])
    several.lab.stop(host)
    try:
        until(lambda: healthy(address), 300, f"an answer at {address} without {host}")
        other = "n1" if host != "n1" else "n2"
        until(
            lambda: several.on(other, f"{KUBECTL} --request-timeout=5s get nodes -o name", check=False) != "",
            300,
            "a list of the nodes",
        )
    finally:
        several.lab.start(host)
    until(lambda: healthy(str(several.lab.address(host))), 300, f"the API server of {host}")
