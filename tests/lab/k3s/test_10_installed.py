"""k3s as it is after an apply from bare hosts: verified, named for what it is, and left alone by the next."""

from __future__ import annotations

import json

import pytest

from deploy.model import paths
from tests.lab.k3s.runs import TOKEN, UNITS, failed, runs
from tests.lab.site import Site


def test_it_is_verified_and_says_what_runs_under_k3s_name(k3s: Site) -> None:
    report = json.loads(k3s.ok("verify", "-o", "json"))

    assert report["counts"]["error"] == report["counts"]["unavailable"] == 0
    [denied] = [each for each in report["findings"] if each["check"] == "K8S-18"]
    assert denied["found"] == "k3s' kube-router denied a pod that answered before"
    told = {each["host"]: each["found"] for each in report["findings"] if each["check"] == "K8S-13"}
    said = k3s.on("n1", "k3s --version | head -n 1").removeprefix("k3s version ")
    assert told == dict.fromkeys(("s1", "a1", "a2"), f"active, {said}")


def test_the_sum_of_a_report_says_that_it_was_the_stand_in(k3s: Site) -> None:
    if "stand-in" not in k3s.on("n1", "k3s --version"):
        pytest.skip("k3s itself runs here")

    assert "(k3s stand-in)" in k3s.ok("verify", "--passive", "-o", "short").splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--server https://127.0.0.1:6443", "the k3s stand-in has one server"),
        ("", "the k3s stand-in keeps its state in etcd only"),
        (
            "--secrets-encryption",
            "--secrets-encryption is an option of k3s that the k3s stand-in does not have",
        ),
    ],
)
def test_what_the_stand_in_lacks_it_refuses_by_name(k3s: Site, options: str, said: str) -> None:
    if "stand-in" not in k3s.on("n1", "k3s --version"):
        pytest.skip("k3s itself runs here")

    done = k3s.on("n2", f"timeout 120 k3s server --config /dev/null {options} 2>&1; echo $?", check=False)

    assert said in done
    assert done.splitlines()[-1] == "1"


def test_a_second_apply_changes_and_restarts_nothing(k3s: Site) -> None:
    before = runs(k3s)

    said = k3s.ok("apply", "--yes")

    assert "0 changes." in said
    assert runs(k3s) == before
    assert k3s.plan(code=0) == []


def test_a_fresh_cluster_has_not_drifted(k3s: Site) -> None:
    report = k3s.night(0)

    assert failed(report) == set()
    assert [row for row in report["rows"] if row["state"] != "none"] == []


def test_the_token_is_in_no_unit_argument_or_world_readable_file(k3s: Site) -> None:
    secret = k3s.on("n1", f"sed 's/.*::server://' {TOKEN}")
    assert secret
    for host in UNITS:
        for place in (
            "systemctl cat 'k3s*'",
            "cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
            "find /etc /run/slipway /var/lib/slipway -type f -perm /044 -exec cat {} + 2>/dev/null",
        ):
            shown = k3s.on(host, place, check=False)
            assert shown, f"{host}: {place} shows nothing"
            assert secret not in shown, f"{host}: {place}"
    logged = "".join(path.read_text() for path in paths.logs("test-k3s").glob("*.log"))
    assert "Run k3s" in logged
    assert secret not in logged
