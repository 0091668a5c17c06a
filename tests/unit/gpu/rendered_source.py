"""Renders the vendors' charts with our values by Helm, and keeps their own resources and their definitions.

Wants the repositories as deploy/catalog/chart_keys_source.py does, and a helm:

    python -m tests.unit.gpu.rendered_source MIRRORS HELM
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.catalog import chart_keys_source
from deploy.catalog.gpu import served_by_default
from tests.unit.gpu.rendered import CASES, CHARTS, CRDS, digest, file

MINORS = ("v1.32.4", "v1.33.4", "v1.34.4", "v1.36.3")
TOLD = ("description",)  # what a definition says to a reader only


def main(mirrors: Path, helm: Path) -> None:
    """Write one file per case, the same for every version of Kubernetes, and one per definition."""
    sources: dict[str, Any] = yaml.safe_load(chart_keys_source.SOURCES.read_text())
    for chart in CHARTS:
        git = chart_keys_source.repository(mirrors, sources[chart])
        for path in sources[chart].get("crds", []):
            for found in yaml.safe_load_all(git.show(path)):
                kept = {
                    "source": f"{sources[chart]['repository']} {git.commit()} {path}",
                    "crd": _plain(found),
                }
                (CRDS / f"{found['metadata']['name']}.json").write_text(
                    f"{json.dumps(kept, sort_keys=True)}\n"
                )
        with tempfile.TemporaryDirectory() as folder:
            _unpack(git, sources[chart]["chart"], Path(folder))
            for name, case in CASES.items():
                if case.chart == chart:
                    _write(
                        name,
                        git.commit(),
                        {each: [*_rendered(helm, Path(folder), name, each)] for each in MINORS},
                    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _plain(each) for key, each in value.items() if not (key in TOLD and isinstance(each, str))}


def _unpack(git: Any, chart: str, folder: Path) -> None:
    for path in git.files(chart):
        into = folder / Path(path).relative_to(chart)
        into.parent.mkdir(parents=True, exist_ok=True)
        into.write_text(git.show(path))
    about = yaml.safe_load((folder / "Chart.yaml").read_text())
    about.pop("dependencies", None)  # all of them are off, or come as charts of their own
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about))


def _rendered(helm: Path, chart: Path, name: str, version: str) -> Iterator[dict[str, Any]]:
    """Yield the resources of the vendor's own kinds, and what they share with the cluster's API for GPUs."""
    case = CASES[name]
    apis = [f"resource.k8s.io/{api}/DeviceClass" for api in served_by_default(version)]
    words = [helm, "template", "release", chart, "--namespace", "gpus", "--kube-version", version, "-f", "-"]
    flags = [word for api in apis for word in ("--api-versions", api)]
    ran = subprocess.run(
        [*words, *flags], input=json.dumps(case.values), capture_output=True, text=True, check=True
    )
    for found in yaml.safe_load_all(ran.stdout):
        if found and found["kind"] in case.kinds:
            yield found


def _write(name: str, commit: str, by_version: Mapping[str, list[dict[str, Any]]]) -> None:
    case = CASES[name]
    [text] = {yaml.safe_dump_all(objects, sort_keys=False) for objects in by_version.values()}
    head = f"# {case.chart} {commit}, for {' '.join(by_version)}, of values {digest(case.values)}\n"
    file(name).write_text(head + text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
