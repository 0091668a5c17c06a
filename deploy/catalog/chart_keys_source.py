"""Reads out of charts' repositories which values and custom resource fields they know, into charts/*.yaml.

Names and types alone are taken: facts to hold our own values and objects against. Wants the repositories as
git directories called OWNER+NAME (or OWNER+NAME/repo) in one place, or as unpacked Go modules called
MODULE@VERSION, then:

    python -m deploy.catalog.chart_keys_source MIRRORS deploy/catalog/charts
"""

from __future__ import annotations

import json
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

SOURCES = Path(__file__).with_name("charts") / "sources.yaml"
USED = re.compile(r"\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)")
# a template's own name for a part of the values: {{- $storage := .Values.persistence.imageChartStorage }}
NAMED = re.compile(r"\$(\w+) := \.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+) *-?}}")
SCALARS = {bool: "boolean", int: "integer", float: "number", str: "string"}
# what a value may be that the chart itself leaves out
ANY = "any"


def main(mirrors: Path, out: Path) -> None:
    """Write one file per chart of sources.yaml."""
    for name, source in yaml.safe_load(SOURCES.read_text()).items():
        git = repository(mirrors, source)
        document = {
            "repository": source["repository"],
            "ref": source["ref"],
            "commit": git.commit(),
            "chart": source["chart"],
            "values": dict(sorted(values(git, source["chart"], source.get("schema")).items())),
            "objects": {
                kind: fields
                for path in source.get("crds", [])
                for kind, fields in objects(yaml.safe_load_all(plain(git.show(path))), source["kinds"])
            },
        }
        text = yaml.safe_dump(document, sort_keys=False, width=200)
        (out / f"{name}.yaml").write_text(f"# Written by deploy/catalog/chart_keys_source.py\n{text}")


def plain(text: str) -> str:
    """Return a file of definitions without the lines by which a chart leaves all of them out."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("{{"))


def repository(mirrors: Path, source: Mapping[str, Any]) -> Git | Module:
    """Return where a chart is read: a commit, or a module where the tag is not to be had."""
    if "module" in source:
        return Module(mirrors / f"{source['module']}@{source['ref']}", source["ref"])
    path = mirrors / source["repository"].replace("/", "+")
    return Git(path / "repo" if (path / "repo").is_dir() else path, source["ref"])


class Module:
    """An unpacked Go module: the repository's files at one version."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder, self._version = folder, version

    def commit(self) -> str:
        """Return the version: a module names no commit."""
        return self._version

    def show(self, path: str) -> str:
        """Return a file."""
        return (self._folder / path).read_text()

    def files(self, folder: str) -> list[str]:
        """Return the paths of the files below a folder."""
        found = (path for path in (self._folder / folder).rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self._folder)) for path in found)


class Git:
    """One commit of a repository."""

    def __init__(self, repository: Path, ref: str) -> None:
        self._repository, self._ref = repository, ref

    def _said(self, *arguments: str) -> str:
        command = ["git", "-C", str(self._repository), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self) -> str:
        """Return the commit's full name."""
        return self._said("rev-parse", f"{self._ref}^{{commit}}").strip()

    def show(self, path: str) -> str:
        """Return a file."""
        return self._said("show", f"{self._ref}:{path}")

    def files(self, folder: str) -> list[str]:
        """Return the paths of the files below a folder."""
        return self._said("ls-tree", "-r", "--name-only", self._ref, folder).splitlines()


def values(git: Git | Module, chart: str, schema: str | None = None) -> dict[str, str]:
    """Return every key of a chart's values with its kind: with a default, or asked for by a template.

    `schema` is the chart's own, for keys without a default that its templates hand on before they read them.
    """
    known = dict(keys(yaml.safe_load(git.show(posixpath.normpath(f"{chart}/values.yaml")))))
    for path in git.files(f"{chart}/templates"):
        for used in USED.findall(spelt_out(git.show(path))):
            key = used.removeprefix(".")
            above = [key.rsplit(".", part)[0] for part in range(1, key.count(".") + 1)]
            below = any(other.startswith(f"{key}.") for other in known)
            if not below and not any(known.get(each) in {"map", "list", ANY} for each in above):
                known.setdefault(key, ANY)
    for key in described(json.loads(git.show(f"{chart}/{schema}"))) if schema else ():
        if not any(other.startswith(f"{key}.") for other in known):
            known.setdefault(key, ANY)
    return known


def described(schema: Mapping[str, Any]) -> list[str]:
    """Return the keys of a schema as helm-tool writes it, a definition of each; what is below comes first."""
    return sorted((name.partition(".")[2] for name in schema["$defs"] if "." in name), reverse=True)


def spelt_out(template: str) -> str:
    """Return a template with its own names for parts of the values replaced by those parts."""
    for name, part in NAMED.findall(template):
        template = re.sub(rf"\${name}\.", f".Values{part}.", template)
    return template


def keys(defaults: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted key, kind); a mapping that is empty, or whose keys are not the chart's, is open."""
    for name, value in defaults.items():
        path = f"{above}{name}"
        if isinstance(value, dict):
            if value and all(re.fullmatch(r"[A-Za-z0-9_-]+", str(key)) for key in value):
                yield from keys(value, f"{path}.")
            else:
                yield path, "map"
        else:
            yield path, "list" if isinstance(value, list) else SCALARS.get(type(value), ANY)


def objects(documents: Iterator[Any], kinds: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (APIVERSION KIND, its fields) of the custom resources that are wanted."""
    for crd in documents:
        if crd and crd["spec"]["names"]["kind"] in kinds:
            for version in crd["spec"]["versions"]:
                schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
                name = f"{crd['spec']['group']}/{version['name']} {crd['spec']['names']['kind']}"
                yield name, dict(sorted(fields(schema, "spec")))


def fields(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Yield (path, type) of a field and all below it; [] is an item, {} a value of a free mapping."""
    kind = schema.get("type") or ANY
    if schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string"):
        yield path, ANY
        return
    yield path, f"{kind} {'|'.join(map(str, schema['enum']))}" if "enum" in schema else kind
    for name, inner in schema.get("properties", {}).items():
        yield from fields(inner, f"{path}.{name}")
    if "items" in schema:
        yield from fields(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from fields(schema["additionalProperties"], f"{path}{{}}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
