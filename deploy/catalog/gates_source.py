"""Reads the feature gates of Kubernetes out of its own source and prints gates.yaml.

Wants REGISTERED, NAMED and CONTROLLERS at every version of VERSIONS in Go's module cache
(`go mod download k8s.io/kubernetes@v1.36.3 ...`), then:

    python -m deploy.catalog.gates_source "$(go env GOMODCACHE)" > deploy/catalog/gates.yaml

Each minor is read from a patch release of its own: a later source may tell an older default otherwise.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VERSIONS = ("32.13", "33.13", "34.4", "35.4", "36.3", "37.2")
# module -> where it declares gates; every component links all of them and so knows every gate
REGISTERED = {
    "kubernetes": "pkg/features/*.go",
    "apiserver": "pkg/features/kube_features.go",
    "client-go": "features/known_features.go",
    "component-base": "*/**/kube_features.go",
}
# where gates are named that stand in k8s.io/kubernetes's own table
NAMED = {"apiextensions-apiserver": "pkg/features/kube_features.go"}
# what of these does not stand there is known to the kube-controller-manager alone
CONTROLLERS = {"controller-manager": "pkg/features/kube_features.go"}
NAME = re.compile(
    r'^\s*(\w+)\s*(?:(?:featuregate\.)?Feature\s*)?=\s*(?:featuregate\.Feature\()?"(\w+)"', re.MULTILINE
)
TABLE = re.compile(r"map\[(?:featuregate\.)?Feature\](?:featuregate\.)?(?:VersionedSpecs|FeatureSpec) ?\{$")
GATE = re.compile(r"^\s*(?:\w+\.)?(\w+):\s*\{(.*)$")
SPEC = re.compile(r"Default: (\w+)")
VERSION = re.compile(r'MustParse\("([\d.]+)"\)')
STAGE = re.compile(r"PreRelease: (?:featuregate\.)?(\w+)")
SWITCH = re.compile(r"^\s*(?:const\s+)?(\w+)\s*=\s*(true|false)$", re.MULTILINE)
HEADER = """\
# Written by deploy/catalog/gates_source.py out of the source of Kubernetes
# {versions}:
# k8s.io/kubernetes/pkg/features, k8s.io/apiserver/pkg/features, k8s.io/client-go/features,
# k8s.io/component-base, k8s.io/controller-manager/pkg/features.
#
# gate: since which minor it has which stage, default and lock. From "removed" on the components do not know
# it and refuse to start when they are given it. kube-apiserver, kube-controller-manager, kube-scheduler,
# kubelet and kube-proxy all register every gate, save those with `only`.
"""


@dataclass(frozen=True, slots=True, order=True)
class Spec:
    """What a gate is since a minor version, (1, 32)."""

    since: tuple[int, int]
    text: str


def main(cache: Path) -> None:
    """Print the table of every gate that a minor of VERSIONS knows."""
    history: dict[str, list[Spec]] = {}
    alone: set[str] = set()
    for version in VERSIONS:
        minor = minor_of(version)
        known, own = read(cache / "k8s.io", version)
        alone |= own.keys()
        for name in history.keys() | known.keys() | own.keys():
            extend(history.setdefault(name, []), (known | own).get(name, []), minor)
    sys.stdout.write(HEADER.format(versions=", ".join(f"v1.{version}" for version in VERSIONS)))
    for name in sorted(history):
        rows = [f'"1.{spec.since[1]}": {spec.text}' for spec in history[name]]
        only = ["only: kube-controller-manager"] if name in alone else []
        sys.stdout.write(f"{name}: {{{', '.join([*only, *rows])}}}\n")


def minor_of(version: str) -> tuple[int, int]:
    """Return (1, 36) of 36.3."""
    return 1, int(version.partition(".")[0])


def extend(specs: list[Spec], now: list[Spec], minor: tuple[int, int]) -> None:
    """Add to a gate's history what one minor's own source says of it, where that is something new."""
    current = [spec for spec in now if spec.since <= minor]
    if not specs and current:
        oldest = minor == minor_of(VERSIONS[0])
        specs.append(current[-1] if oldest else Spec(minor, current[-1].text))
    elif specs and specs[-1].text != (text := current[-1].text if current else "removed"):
        specs.append(Spec(minor, text))


def read(root: Path, version: str) -> tuple[dict[str, list[Spec]], dict[str, list[Spec]]]:
    """Return the gates of one version that all components know, and those of the controller manager alone."""
    tables = _texts(root, version, REGISTERED)
    controllers = _texts(root, version, CONTROLLERS)
    everything = "\n".join([*tables, *controllers, *_texts(root, version, NAMED)])
    names, switches = dict(NAME.findall(everything)), dict(SWITCH.findall(everything))

    def collected(texts: list[str]) -> dict[str, list[Spec]]:
        found: dict[str, list[Spec]] = {}
        for text in texts:
            for constant, spec in gates(text, switches, minor_of(version)):
                found.setdefault(names[constant], []).append(spec)
        return {name: sorted(specs) for name, specs in found.items()}

    known = collected(tables)
    return known, {name: specs for name, specs in collected(controllers).items() if name not in known}


def _texts(root: Path, version: str, patterns: dict[str, str]) -> list[str]:
    return [
        path.read_text()
        for module, pattern in patterns.items()
        for path in (root / f"{module}@v{1 if module == 'kubernetes' else 0}.{version}").glob(pattern)
        if not path.name.endswith("_test.go")
    ]


def gates(text: str, switches: dict[str, str], unversioned: tuple[int, int]) -> Iterator[tuple[str, Spec]]:
    """Yield the constant and specification of every line of a file's gate tables.

    A line without a version counts from `unversioned`: that it is older cannot be seen.
    """
    inside, gate = False, ""
    for line in (line.partition("//")[0].rstrip() for line in text.splitlines()):
        inside = bool(TABLE.search(line)) or (inside and not re.match(r"^\t?\}$", line))
        if not inside:
            continue
        if (start := GATE.match(line)) and not VERSION.search(line):
            gate = start[1]
        if default := SPEC.search(line):
            since = VERSION.search(line)
            yield gate, Spec(_minor(since[1]) if since else unversioned, _spec(line, default[1], switches))


def _spec(line: str, default: str, switches: dict[str, str]) -> str:
    stage = STAGE.search(line)
    state = "on" if switches.get(default, default) == "true" else "off"
    words = [stage[1] if stage else "GA", state, *(["locked"] if "LockToDefault: true" in line else [])]
    return " ".join(words)


def _minor(text: str) -> tuple[int, int]:
    major, minor, *_ = text.split(".")
    return int(major), int(minor)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
