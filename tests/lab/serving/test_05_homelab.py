"""The homelab in one inventory: k3s, cards by claims, a store, a registry, and a model that answers.

What runs under k3s' name is its stand-in, the two cards are a face in /sys, the model computes on the
processor. It is a lab of its own, gone before the other tests' lab is made: the machine has two cores.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.lab import Lab, tiny
from deploy.lab.hardware import script
from deploy.serving import names
from tests.lab.conftest import KEEP, running
from tests.lab.k3s.runs import VERSION
from tests.lab.serving import reach
from tests.lab.serving.models import (
    DIGEST,
    PATIENCE,
    SERVER,
    address,
    broken,
    changed,
    endpoint,
    findings,
    got,
    kubectl,
    stored,
    tokens,
    with_models,
)
from tests.lab.site import Site

FOLDER = "/root/tiny"
# what is asked and asks from behind policies: the store, and the registry that keeps its layers in it
GUARDED = {"S3-02", "REG-01", "REG-02", "REG-07"}


@pytest.fixture(scope="module")
def hosts() -> Iterator[Lab]:
    """Two hosts, the second with two cards."""
    for lab in running("test-homelab", 34, 2, versions=(VERSION,)):
        lab.exec("n2", ["sh", "-c", script("two-a770")])
        yield lab


@pytest.fixture(scope="module")
def homelab(hosts: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server, and an agent with the cards."""
    nodes = [("n1", "s1", "control-plane"), ("n2", "arc1", "worker")]
    made = with_models(hosts, "test-homelab", tmp_path_factory.mktemp("homelab"), nodes, like="lab-homelab")
    made.ok("apply", "--yes", timeout=PATIENCE)
    yield made
    if KEEP not in os.environ:
        made.forget()


def test_verify_comes_to_a_completion_and_to_the_cards(homelab: Site) -> None:
    found = findings(homelab)

    assert broken(found) == {}
    assert found["SRV-04", None]["status"] == "pass"
    where = address(homelab, "tiny")
    assert found["SRV-04", None]["found"] == f"tiny at {where} (dummy weights, cpu): 16 tokens"
    assert found["DRA-04", "arc1"]["status"] == "pass"
    assert {check for (check, _), each in found.items() if each["status"] == "pass"} >= GUARDED
    assert found["K8S-18", None]["found"] == "k3s' kube-router denied a pod that answered before"


def test_the_model_s_pod_holds_a_card_by_a_claim(homelab: Site) -> None:
    [pod] = got(homelab, "--namespace=models", "pods", f"--selector={SERVER.format('tiny')}")["items"]
    [claim] = got(homelab, "--namespace=models", "resourceclaims")["items"]

    assert pod["spec"]["nodeName"] == "arc1"
    reserved = [(each["resource"], each["uid"]) for each in claim["status"]["reservedFor"]]
    assert reserved == [("pods", pod["metadata"]["uid"])]
    [device] = claim["status"]["allocation"]["devices"]["results"]
    assert (device["driver"], device["pool"]) == ("gpu.intel.com", "arc1")


def test_the_model_answers_from_outside(homelab: Site) -> None:
    assert tokens(endpoint(homelab)) == 8


def test_a_second_apply_changes_nothing_and_drift_is_clean(homelab: Site) -> None:
    assert "0 changes." in homelab.ok("apply", "--yes", timeout=600)
    assert homelab.plan(code=0) == []

    homelab.ok("drift", timeout=600)


def test_policies_let_in_who_needs_it_and_nobody_else_and_are_what_keeps_him_out(homelab: Site) -> None:
    store = reach.pod(homelab, "object-store", "app.kubernetes.io/name=minio")
    registry = reach.pod(homelab, "registry", "app.kubernetes.io/name=registry")
    model = reach.model(homelab)
    # of a dozen that its parts have for each other
    inner = sorted(reach.listening(homelab, model) - {names.PORT})[:3]
    assert inner, "a model's pod listens on nothing but its API"
    with reach.stranger(homelab) as pod:
        let_in = {
            "a pod, the model's API": partial(reach.from_stranger, homelab, pod, model.address, names.PORT),
            "a pod, the store": partial(reach.from_stranger, homelab, pod, store.address, 9000),
            "a pod, the registry": partial(reach.from_stranger, homelab, pod, registry.address, 5000),
            "a pod, the registry's metrics": partial(
                reach.from_stranger, homelab, pod, registry.address, 5001
            ),
            "a host, the registry": partial(
                reach.from_host, homelab, reach.other(homelab, registry), registry.address, 5000
            ),
            "a host, the model's API": partial(
                reach.from_host, homelab, reach.other(homelab, model), model.address, names.PORT
            ),
        }
        kept_out = {
            **{
                f"a pod, the model's port {port}": partial(
                    reach.from_stranger, homelab, pod, model.address, port
                )
                for port in inner
            },
            "a host, the store": partial(
                reach.from_host, homelab, reach.other(homelab, store), store.address, 9000
            ),
            "a host, the registry's metrics": partial(
                reach.from_host, homelab, reach.other(homelab, registry), registry.address, 5001
            ),
            "the model, the store": partial(reach.from_model, homelab, model, store.address, 9000),
        }
        reach.comes_to(let_in, kept_out)

        for space in ("models", "object-store", "registry"):
            kubectl(homelab, f"--namespace={space}", "delete", "networkpolicies", "--all")
        reach.comes_to(let_in | kept_out, {})

        homelab.ok("apply", "--yes", timeout=600)
        reach.comes_to(let_in, kept_out)


def test_a_model_s_files_come_from_the_store_that_its_own_pod_does_not_reach(homelab: Site) -> None:
    homelab.on("n1", f"mkdir -p {FOLDER}")
    for name, content in tiny.files().items():
        text = base64.encodebytes(content).decode()
        homelab.lab.exec("n1", ["sh", "-ec", f"base64 -d >{FOLDER}/{name}"], stdin=text)
    digest = stored(homelab, f"cp {FOLDER}/* .", "tiny-s3", DIGEST).splitlines()[-1]

    with changed(homelab, source={"s3": "s3://models/tiny-s3"}, checksum=f"sha256:{digest}"):
        homelab.ok("apply", "--yes", timeout=PATIENCE)
        there = tokens(endpoint(homelab))
    homelab.ok("apply", "--yes", timeout=PATIENCE)

    assert there == tokens(endpoint(homelab)) == 8
    assert homelab.plan(code=0) == []


def test_cards_change_their_way_and_come_back_and_the_model_on_them_is_stopped_and_answers_again(
    homelab: Site, tmp_path: Path
) -> None:
    worker, stack = homelab.data["nodes"][1]["gpus"], homelab.data["gpu"]["intel"]
    driver = stack["manifest"]
    plugin = tmp_path / "plugin.yaml"
    plugin.write_text(Path(driver).with_name("amd.yaml").read_text().replace("amd", "intel"))

    for way, manifest in (("device-plugin", str(plugin)), ("dra", driver)):
        worker["allocation"], stack["manifest"] = way, manifest
        homelab.write()
        said = homelab.ok("plan", code=5)
        assert "tiny is stopped for that, and started again by the phase serving" in said, said
        homelab.ok("apply", "--yes", timeout=PATIENCE)

        assert tokens(endpoint(homelab)) == 8
        assert homelab.plan(code=0) == []
        # one that was not admitted while the kubelet started stays listed
        living = (f"--selector={SERVER.format('tiny')}", "--field-selector=status.phase=Running")
        [pod] = got(homelab, "--namespace=models", "pods", *living)["items"]
        asked = pod["spec"]["containers"][0]["resources"]
        assert ("gpu.intel.com/xe" in asked["limits"]) == (way == "device-plugin"), asked
        assert len(got(homelab, "--namespace=models", "resourceclaims")["items"]) == (way == "dra")
