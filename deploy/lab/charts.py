"""A chart of a module as Helm keeps one in a registry: its metadata, and an archive of its folder."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import JsonValue

from deploy.lab import oci
from deploy.lab.archive import Entry, tgz, tree

# helm.sh/helm/v4 pkg/registry/constants.go
CONFIG = "application/vnd.cncf.helm.config.v1+json"
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
METADATA = "Chart.yaml"


def written(folder: Path, source: Path, version: str) -> None:
    """Write config.json, layer.tgz and manifest.json of a chart into a folder."""
    known = metadata((source / METADATA).read_text(), version)
    (folder / "config.json").write_bytes(oci.text(known))
    tgz(folder / "layer.tgz", entries(source, known))
    parts = oci.blob(folder / "config.json"), [oci.blob(folder / "layer.tgz")]
    (folder / "manifest.json").write_bytes(oci.manifest(*parts, CONFIG, CONTENT))


def metadata(text: str, version: str) -> dict[str, JsonValue]:
    """Return a chart's metadata, released: its publisher puts the version in when packaging it."""
    return {**yaml.safe_load(text), "version": version, "appVersion": version}


def entries(source: Path, known: dict[str, JsonValue]) -> list[Entry]:
    """Return a chart's files below its name, with this metadata."""
    name = f"{known['name']}/"
    own = Entry(f"{name}{METADATA}", yaml.safe_dump(known).encode())
    return [own, *(each for each in tree(source, name) if each.name != own.name)]
