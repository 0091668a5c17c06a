"""A chart in the lab's registry is what `helm push` would have put there."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import yaml

from deploy.lab import charts

CHART = "apiVersion: v2\nname: cert-manager\n# set by the release tool\nversion: v0.0.0\nappVersion: v0.0.0\n"


def source(folder: Path) -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "values.yaml").write_text("crds: {enabled: false}\n")
    (folder / "templates/deployment.yaml").write_text("kind: Deployment\n")
    return folder


def test_a_chart_is_its_folder_under_its_name_with_the_version_that_was_released(tmp_path: Path) -> None:
    charts.written(tmp_path, source(tmp_path / "source"), "v1.21.1")

    with tarfile.open(tmp_path / "layer.tgz") as archive:
        found = {name: archive.extractfile(name) for name in archive.getnames()}
        texts = {name: file.read().decode() for name, file in found.items() if file}
    assert sorted(texts) == [
        "cert-manager/Chart.yaml",
        "cert-manager/templates/deployment.yaml",
        "cert-manager/values.yaml",
    ]
    released = {"apiVersion": "v2", "name": "cert-manager", "version": "v1.21.1", "appVersion": "v1.21.1"}
    assert yaml.safe_load(texts["cert-manager/Chart.yaml"]) == released
    assert json.loads((tmp_path / "config.json").read_text()) == released


def test_its_manifest_says_that_it_is_a_chart(tmp_path: Path) -> None:
    charts.written(tmp_path, source(tmp_path / "source"), "v1.21.1")

    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.helm.config.v1+json"
    assert [each["mediaType"] for each in manifest["layers"]] == [
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
    ]


def test_the_same_source_is_the_same_chart(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        charts.written(tmp_path / name, source(tmp_path / f"source-{name}"), "v1.21.1")
        made.append((tmp_path / name / "manifest.json").read_bytes())

    assert made[0] == made[1]
