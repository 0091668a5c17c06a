"""The phases of models on @fake hosts: what they do before there is a cluster, where, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import deploy

from deploy.model import Cluster
from deploy.plan import phases
from deploy.serving import names
from deploy.steps import serving
from deploy.steps.registry.objects import models
from deploy.steps.serving import exposed, populate, vllm
from tests.unit import fake_host
from tests.unit.fake_host import DIGEST, locked, prepared
from tests.unit.operations.conftest import MISSING, read
from tests.unit.serving.clusters import ARC, FOLDER, HUB, TINY, cluster

BARE = {"admin.conf": "=== slipway no cluster", "images list": "REF TYPE DIGEST SIZE\n# end"}


@pytest.fixture
def operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, list[str]]]:
    """Return a function that gives a step's operations on a host by name, each with its commands."""
    monkeypatch.setenv("HF_TOKEN", "hf_very_secret")

    def run(
        step: Callable[[], Any], declared: Cluster, host: str, answers: dict[str, Any] = BARE
    ) -> dict[str, list[str]]:
        lock = locked(declared, tmp_path / "homelab.lock.yaml")
        with prepared(step, declared, declared.node(host), lock, answers) as (state, one):
            return {
                name: [each.get_raw_value() for each in state.ops[one][id_].command_generator()]
                for id_, name in fake_host.names(state, one).items()
            }

    return run


def test_models_come_last_and_their_images_to_the_hosts_that_may_run_them() -> None:
    wanted = cluster(TINY, ARC)

    found = {phase.name: phase.hosts(wanted) for phase in phases(wanted)}

    assert list(found)[-3:] == ["registry", "serving-images", "serving"]
    assert found["serving-images"] == ("w1", "arc1")
    assert found["serving"] == ("cp1",)
    only = cluster({**TINY, "placement": {"node_selector": {"kubernetes.io/hostname": "w1"}}})
    assert {phase.name: phase.hosts(only) for phase in phases(only)}["serving-images"] == ("w1",)
    assert not [phase.name for phase in phases(cluster()) if phase.name.startswith("serving")]


def test_everything_is_still_to_be_done_before_there_is_a_cluster(operations: Any) -> None:
    found = operations(serving.serving, cluster(TINY, ARC, HUB, FOLDER), "cp1")

    assert list(found) == [
        "Make the models' namespace",
        "Route Gateways to the models",
        "Keep the models' keys and tokens",
        "Give the models their Secrets",
        "Make the models' volumes",
        "Fetch the models",
        "Serve the models",
        *(f"Have {name} read its present key" for name in ("tiny", "qwen", "llama", "mine")),
        "Wait for the models",
        "Remove routes to models that no Gateway exposes",
    ]
    assert [name for name, commands in found.items() if not commands] == [
        name for name in found if name.endswith("its present key") or name.startswith("Remove routes")
    ]


def test_only_what_is_exposed_by_a_gateway_is_routed_and_only_to_others_are_routes_removed(
    operations: Any,
) -> None:
    declared = cluster(TINY, HUB)
    there = read(*(exposed.unrouted(model) for model in declared.models))

    def removed(answer: str) -> list[str]:
        step = deploy("Step")(lambda: serving._unrouted(declared))
        [commands] = operations(step, declared, "cp1", {"curl": answer}).values()
        return list(commands)

    [command] = removed(there)
    assert "kubectl delete" in command
    assert removed(MISSING) == []


def test_no_secret_is_in_a_command(operations: Any) -> None:
    found = operations(serving.serving, cluster(HUB), "cp1")

    assert "hf_very_secret" not in repr(found)


def test_an_account_in_another_registry_becomes_a_login_and_its_ca_a_secret(
    operations: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("R_PASSWORD", "very_secret_too")
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    account = {"username": "me", "password": {"env": "R_PASSWORD"}}
    source = {"modelkit": "r.org/qwen:1", "credentials": account, "ca": "ca.pem"}

    found = operations(serving.serving, cluster({**TINY, "source": source}), "cp1")

    assert list(found)[3] == "Give tiny its registry's login"
    assert found["Give tiny its registry's login"] == [
        "echo 'Secret slipway-system/registry-login-tiny has no password' >&2; exit 1"
    ]
    kept, copied = found["Keep the models' keys and tokens"], found["Give the models their Secrets"]
    assert len(kept) == len(copied) == 2
    assert "get secret registry-login-tiny --namespace=slipway-system" in copied[1]
    assert '"name": "registry-ca-tiny"' in copied[1]
    assert "very_secret_too" not in repr(found)


def test_only_one_host_speaks(operations: Any) -> None:
    assert operations(serving.serving, cluster(TINY), "w1") == {}


def test_a_host_pulls_what_may_run_on_it_and_nothing_twice(operations: Any) -> None:
    wanted = cluster(TINY, ARC, FOLDER)

    [arc] = operations(serving.pulled, wanted, "arc1").values()
    [plain] = operations(serving.pulled, wanted, "w1").values()
    [begun] = operations(serving.pulling, wanted, "w1").values()

    assert "vllm-openai-xpu@" in arc[0]
    assert "vllm-openai-cpu@" in arc[0]
    assert plain[0].count("images pull") == begun[0].count("images pull") == 1
    assert operations(serving.pulled, wanted, "cp1") == {}


def test_an_image_of_ones_own_goes_by_the_models_name(operations: Any) -> None:
    own = {**TINY, "image": "docker.io/intel/llm-scaler-vllm:0.14.0-b8.1"}

    [commands] = operations(serving.pulled, cluster(own), "w1").values()

    assert f"docker.io/intel/llm-scaler-vllm@{DIGEST}" in commands[0]


def test_an_image_in_the_clusters_own_registry_is_left_to_pods_that_have_its_login(operations: Any) -> None:
    own = {**HUB, "image": f"registry.home.arpa/vllm:1@{DIGEST}"}
    registry = {"provider": "distribution", "hostname": "registry.home.arpa"}
    wanted = cluster(own, registry=registry)
    model = wanted.models[0]

    assert operations(serving.pulled, wanted, "w1") == {}
    _, workload = vllm.deployment(wanted, model, str(model.image))
    for each in (workload, populate.job(wanted, model, str(model.image))):
        assert each["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "registry-pull"}]
    elsewhere = wanted.model_copy(update={"registry": None})
    assert "imagePullSecrets" not in vllm.deployment(elsewhere, model, "x")[1]["spec"]["template"]["spec"]


def test_the_namespace_is_the_same_whoever_makes_it() -> None:
    assert models() == names.home()
