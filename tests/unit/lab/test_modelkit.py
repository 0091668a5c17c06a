from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from deploy.lab import modelkit, tiny
from deploy.lab.progress import Progress

REPOSITORY = Path(__file__).resolve().parents[3]
ROOT = "repositories/slipway-lab/models/tiny/_manifests/tags/v1/current/link"
KIT = "application/vnd.kitops.modelkit"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    modelkit.published(tmp_path / "v2", Progress(Console(file=io.StringIO())))
    return tmp_path / "v2"


def blob(root: Path, digest: str) -> bytes:
    digest = digest.removeprefix("sha256:")
    return (root / "blobs/sha256" / digest[:2] / digest / "data").read_bytes()


def test_a_registry_has_the_model_as_kit_packs_one(published: Path) -> None:
    manifest = json.loads(blob(published, (published / ROOT).read_text()))

    assert (manifest["artifactType"], manifest["config"]["mediaType"]) == (
        f"{KIT}.manifest.v1+json",
        f"{KIT}.config.v1+json",
    )
    assert [layer["mediaType"] for layer in manifest["layers"]] == [
        f"{KIT}.modelpart.v1.tar",
        f"{KIT}.modelpart.v1.tar",
        f"{KIT}.model.v1.tar",
        f"{KIT}.modelpart.v1.tar",
        f"{KIT}.modelpart.v1.tar",
    ]
    assert json.loads(blob(published, manifest["config"]["digest"])) == modelkit.kitfile()


def test_each_layer_holds_one_of_the_model_s_files(published: Path) -> None:
    manifest = json.loads(blob(published, (published / ROOT).read_text()))
    found = {}
    for layer in manifest["layers"]:
        with tarfile.open(fileobj=io.BytesIO(blob(published, layer["digest"]))) as archive:
            [member] = archive.getmembers()
            content = archive.extractfile(member)
            assert content is not None
            found[member.name] = content.read()

    assert found == tiny.files()


def test_the_kitfile_names_the_weights_and_what_goes_with_them() -> None:
    assert modelkit.kitfile()["model"] == {
        "name": "tiny",
        "path": "model.safetensors",
        "parts": [
            {"path": "config.json"},
            {"path": "generation_config.json"},
            {"path": "tokenizer.json"},
            {"path": "tokenizer_config.json"},
        ],
    }


@pytest.mark.parametrize("name", ["lab-llm", "lab-homelab"])
def test_the_labs_inventories_pin_the_model_that_is_published(published: Path, name: str) -> None:
    [model] = yaml.safe_load((REPOSITORY / f"inventories/{name}.yaml").read_text())["models"]

    assert model["checksum"] == (published / ROOT).read_text()
