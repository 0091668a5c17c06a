from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from deploy import catalog
from deploy.lab import recipes
from deploy.lab.places import FILES
from deploy.lab.recipes import File


def test_all_that_the_catalogue_installs_can_be_built() -> None:
    known, made = catalog.load(), recipes.load()
    versions = list(known.kubernetes.releases)
    files = {entry.key.partition("@")[0] for each in versions for entry in known.kubernetes_files(each)}
    images = {entry.key.partition("@")[0] for each in versions for entry in known.kubernetes_images(each)}

    assert set(made.files) == files | set(known.files) | set(known.charts)
    assert set(made.images) == images | set(known.images) | set(recipes.own_images())


def test_every_binary_that_is_used_is_built() -> None:
    made = recipes.load()
    built = {f"{name}/{binary}" for name, module in made.modules.items() for binary in module.commands}
    used = {what for image in made.images.values() for what in image.add.values()}
    used |= {file.binary for file in made.files.values() if file.binary}
    used |= {what for file in made.files.values() for what in (file.archive or {}).values() if "/" in what}

    assert used - built == {"pause/pause"}


def test_what_is_built_has_the_version_that_the_catalogue_pins() -> None:
    known, made = catalog.load(), recipes.load()

    assert {name: made.modules[name].version for name in known.files} == {
        name: known.version(name) for name in known.files
    }


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
