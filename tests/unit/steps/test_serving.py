"""Models as objects of the cluster: compared whole, and with what a pod may never have."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import render
from deploy.model import Cluster
from deploy.steps.serving import exposed, populate, vllm
from tests.unit.serving.clusters import ARC, FOLDER, HUB, TINY, cluster

GOLDEN = Path(__file__).parent / "golden"
MODELS = {"tiny": TINY, "qwen": ARC, "llama": HUB, "mine": FOLDER}
GPUS: dict[str, Any] = {"vendor": "intel", "model": "A770", "count": 1, "allocation": "dra"}
ALL = cluster(*MODELS.values())
SCRIPTS, FETCHERS = ("populate", "check"), ("hub.py", "kit.sh", "s3.sh")
ALLOWLIST = hashlib.sha256(render.file("serving/slipway_allowlist.py")).hexdigest()
JOB = re.compile(r"^model-[a-z]+-[0-9a-f]{8}$")


def rendered(wanted: Cluster, name: str) -> list[dict[str, Any]]:
    """Return every object of one model but its Secrets; the scripts by their names."""
    model = next(each for each in wanted.models if each.name == name)
    before, workload = vllm.deployment(wanted, model, f"example.org/{model.image_key}@sha256:{'c' * 64}")
    files: list[dict[str, Any]] = []
    if model.source.kind in populate.IMAGES or model.source.hub:
        image = f"example.org/{populate.image_key(model)}@sha256:{'d' * 64}"
        files = [populate.claim(model), populate.job(wanted, model, image)]
    elif model.source.host_path:
        files = populate.local(model)
    routes = [exposed.route(model)] if model.gateway else []
    return [*files, *before, *routes, *exposed.objects(model), workload]


def text(objects: list[dict[str, Any]]) -> str:
    short = [_named(each) for each in objects]
    return yaml.safe_dump_all(short, sort_keys=True, width=110)


def _named(value: Any) -> Any:
    """Put names in the place of scripts, whose own tests run them, and of what changes with them."""
    if isinstance(value, dict):
        return {key: _named(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_named(each) for each in value]
    for fetcher in FETCHERS:
        if value == render.file(f"serving/{fetcher}").decode():
            return f"<{fetcher}>"
    if value == ALLOWLIST:
        return "<digest>"
    if isinstance(value, str) and JOB.match(value):
        return f"{value[:-8]}<digest>"
    return next((f"<{name}.sh>" for name in SCRIPTS if value == populate.script(name)), value)


def containers(objects: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for each in objects:
        if each["kind"] in ("Deployment", "Job"):
            pod = each["spec"]["template"]["spec"]
            yield from ((pod, one) for one in [*pod.get("initContainers", ()), *pod["containers"]])


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_rendered_as_it_was_approved(name: str) -> None:
    assert text(rendered(ALL, name)) == (GOLDEN / f"model-{name}.yaml").read_text()


@pytest.mark.parametrize("name", MODELS)
def test_every_container_is_unprivileged_and_bounded(name: str) -> None:
    found = list(containers(rendered(ALL, name)))

    assert found
    for pod, container in found:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert (pod["enableServiceLinks"], pod["automountServiceAccountToken"]) == (False, False)
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", MODELS)
def test_only_what_fetches_has_files_handed_over_to_its_group(name: str) -> None:
    """The kubelet would change owner and mode of all that a claim of somebody's own holds."""
    own = cluster({**TINY, "source": {"pvc": "mine"}})
    for each in [*rendered(ALL, name), *rendered(own, "tiny")]:
        if each["kind"] in ("Deployment", "Job"):
            security = each["spec"]["template"]["spec"]["securityContext"]
            assert ("fsGroup" in security) is (each["kind"] == "Job")


@pytest.mark.parametrize("name", MODELS)
def test_a_pod_ends_in_the_right_order_and_has_the_time_for_it(name: str) -> None:
    [deployment] = [each for each in rendered(ALL, name) if each["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    [server] = pod["containers"]
    leave = server["lifecycle"]["preStop"]["sleep"]["seconds"]
    [drain] = [
        int(each.partition("=")[2]) for each in server["args"] if each.startswith("--shutdown-timeout=")
    ]

    assert pod["terminationGracePeriodSeconds"] >= leave + drain + 15
    assert pod["terminationGracePeriodSeconds"] >= 120


def test_another_source_is_another_job_in_the_same_volume_and_another_version_another_volume() -> None:
    def made(**changes: Any) -> tuple[str, str, str]:
        one = cluster({**TINY, **changes})
        return (
            populate.job(one, one.models[0], "image")["metadata"]["name"],
            populate.claim(one.models[0])["metadata"]["name"],
            vllm.deployment(one, one.models[0], "image")[1]["spec"]["template"]["spec"]["containers"][0][
                "args"
            ][0],
        )

    first, again, other, second = made(), made(), made(source={"s3": "s3://models/big"}), made(version="2")

    assert first == again
    assert (first[1], second[1]) == ("model-tiny-1", "model-tiny-2")
    assert other[1] == first[1]
    assert len({first[0], other[0], second[0]}) == len({first[2], other[2], second[2]}) == 3


def test_a_new_pod_waits_for_the_old_one_unless_a_gpu_is_spare() -> None:
    def strategy(count: int, replicas: int = 1) -> str:
        one = cluster({**ARC, "gpus": {**ARC["gpus"], "count": count}, "replicas": replicas})
        return str(vllm.deployment(one, one.models[0], "image")[1]["spec"]["strategy"])

    assert strategy(2) == "{'type': 'Recreate'}"
    assert strategy(1) == "{'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': 1, 'maxUnavailable': 0}}"
    assert (
        strategy(1, 2) == "{'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': 0, 'maxUnavailable': 1}}"
    )


def test_a_spare_gpu_that_a_model_cannot_use_is_none() -> None:
    one = cluster(
        {**ARC, "gpus": {"vendor": "intel", "model": "A770", "count": 1}, "replicas": 2},
        nodes=[
            {"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]},
            {"name": "arc1", "address": "192.168.1.12", "roles": ["worker"], "gpus": GPUS | {"count": 2}},
            {
                "name": "arc2",
                "address": "192.168.1.13",
                "roles": ["worker"],
                "gpus": GPUS | {"model": "B580"},
            },
        ],
    )

    strategy = vllm.deployment(one, one.models[0], "image")[1]["spec"]["strategy"]

    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


def test_gpus_that_are_spare_on_another_node_each_are_no_two_together() -> None:
    workers = {"arc1": 2, "arc2": 1, "arc3": 1}
    nodes = [
        {
            "name": name,
            "address": f"192.168.1.{20 + place}",
            "roles": ["worker"],
            "gpus": GPUS | {"count": count},
        }
        for place, (name, count) in enumerate(workers.items())
    ]
    one = cluster(
        {**ARC, "gpus": {"vendor": "intel", "count": 2}},
        nodes=[{"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]}, *nodes],
    )

    assert vllm.deployment(one, one.models[0], "image")[1]["spec"]["strategy"] == {"type": "Recreate"}


def test_the_key_is_nowhere_but_in_the_environment_from_a_secret() -> None:
    [deployment] = [each for each in rendered(ALL, "tiny") if each["kind"] == "Deployment"]
    [server] = deployment["spec"]["template"]["spec"]["containers"]

    assert server["env"][0] == {
        "name": "VLLM_API_KEY",
        "valueFrom": {"secretKeyRef": {"name": "model-tiny", "key": "api-key"}},
    }
    assert not [each for each in server["args"] if "key" in each]


@pytest.mark.parametrize("name", MODELS)
def test_an_engine_imports_what_closes_its_other_paths(name: str) -> None:
    [deployment] = [each for each in rendered(ALL, name) if each["kind"] == "Deployment"]
    template = deployment["spec"]["template"]
    [server] = template["spec"]["containers"]
    [argument] = [each for each in server["args"] if each.startswith("--middleware=")]
    module, _, named = argument.removeprefix("--middleware=").partition(".")
    shipped = vllm.middleware()
    [volume] = [each for each in template["spec"]["volumes"] if each["name"] == "middleware"]
    [mount] = [each for each in server["volumeMounts"] if each["name"] == "middleware"]

    assert f"\nclass {named}:\n" in shipped["data"][f"{module}.py"]
    assert volume["configMap"] == {"name": shipped["metadata"]["name"]}
    assert {"name": "PYTHONPATH", "value": mount["mountPath"]} in server["env"]
    assert template["metadata"]["annotations"]["slipway.dev/config"] == ALLOWLIST


def test_a_class_that_shares_volumes_is_asked_for_one_that_several_nodes_use() -> None:
    def spec(**changes: Any) -> dict[str, Any]:
        return {**populate.claim(cluster({**TINY, **changes}).models[0])["spec"]}

    assert spec(storage_class="cephfs")["accessModes"] == ["ReadWriteOnce"]
    assert spec(storage_class="cephfs", shared_volume=True)["accessModes"] == ["ReadWriteMany"]
    named = spec(storage_class="slipway-nfs", volume="shared")
    assert (named["accessModes"], named["volumeName"]) == (["ReadWriteMany"], "shared")


def test_every_version_of_a_model_lies_in_the_volume_that_it_names() -> None:
    def claim(**changes: Any) -> str:
        return str(populate.claim(cluster({**HUB, **changes}).models[0])["metadata"]["name"])

    assert claim() == claim(version="2") == "model-llama-shared"
