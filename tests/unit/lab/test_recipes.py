from __future__ import annotations

import pytest
from pydantic import ValidationError

from deploy import catalog
from deploy.lab import recipes
from deploy.lab.recipes import File


def test_all_that_the_catalogue_installs_can_be_built() -> None:
    known, made = catalog.load(), recipes.load()
    versions = list(known.kubernetes.releases)
    files = {entry.key.partition("@")[0] for each in versions for entry in known.kubernetes_files(each)}
    images = {entry.key.partition("@")[0] for each in versions for entry in known.kubernetes_images(each)}

    assert set(made.files) == files | set(known.files) | set(known.charts)
    assert set(made.images) == images | set(known.images)


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
