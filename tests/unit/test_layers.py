"""The rooms import one way only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WATCHED = {"deploy", "checks", "pyinfra", "testinfra", "inventories", "tests"}
MODEL = {"deploy.errors", "deploy.model"}
MAY_IMPORT: dict[str, set[str]] = {
    "deploy/errors.py": set(),
    "deploy/printable.py": set(),
    "deploy/model": MODEL,
    "deploy/catalog": MODEL | {"deploy.catalog"},
    "deploy/gpu": MODEL | {"deploy.catalog", "deploy.observe", "deploy.gpu"},
    "deploy/serving": MODEL | {"deploy.catalog", "deploy.gpu", "deploy.serving"},
    "deploy/plan.py": MODEL | {"deploy.catalog", "deploy.gpu", "deploy.serving"},
    "deploy/observe": MODEL | {"deploy.observe"},
    "deploy/context.py": MODEL | {"pyinfra"},
    "deploy/pyinfra_inventory.py": MODEL | {"deploy.context", "deploy.engine.target", "pyinfra"},
    "deploy/facts": MODEL | {"deploy.observe", "deploy.facts", "pyinfra"},
    "deploy/operations": MODEL | {"deploy.observe", "deploy.facts", "deploy.operations", "pyinfra"},
    "deploy/steps": MODEL
    | {
        "deploy.catalog",
        "deploy.context",
        "deploy.gpu",
        "deploy.observe.cards",
        "deploy.operations",
        "deploy.render",
        "deploy.serving",
        "deploy.steps",
        "pyinfra",
    },
    "deploy/render.py": MODEL,
    "deploy/engine": MODEL
    | {
        "deploy.plan",
        "deploy.catalog",
        "deploy.context",
        "deploy.engine",
        "deploy.observe.api",
        "deploy.observe.reboot",
        "deploy.operations.notes",
        "pyinfra",
    },
    "deploy/load": MODEL | {"deploy.load", "deploy.render"},
    "deploy/lab": MODEL | {"deploy.catalog", "deploy.lab"},
    "checks/finding.py": set(),
    "checks/catalogue.py": MODEL | {"checks.finding"},
    "checks/say.py": {"checks.finding", "checks.catalogue"},
    "checks/collect": MODEL
    | {"deploy.observe", "deploy.engine", "deploy.printable", "checks.collect", "checks.finding"},
    "checks/preflight": MODEL
    | {
        "deploy.catalog",
        "deploy.gpu",
        "deploy.observe",
        "deploy.serving",
        "deploy.plan",
        "checks.finding",
        "checks.say",
        "checks.catalogue",
        "checks.preflight",
        "checks.collect.observed",
    },
    "checks/cluster": MODEL
    | {
        "deploy.catalog",
        "deploy.gpu",
        "deploy.observe",
        "deploy.serving",
        "checks.finding",
        "checks.catalogue",
        "checks.say",
        "checks.cluster",
    },
    "checks/acceptance": MODEL
    | {
        "deploy.catalog",
        "deploy.gpu",
        "deploy.observe",
        "deploy.serving",
        "checks.finding",
        "checks.catalogue",
        "checks.say",
        "checks.cluster",
        "checks.acceptance",
        "testinfra",
    },
    "checks/drift": MODEL | {"deploy.catalog", "deploy.engine", "deploy.plan", "checks"},
    "checks/report": MODEL
    | {"deploy.printable", "deploy.render", "checks.finding", "checks.catalogue", "checks.report"},
}
FREE = {"deploy/cli", "deploy/__init__.py", "checks/__init__.py"}


def imports(path: Path) -> Iterator[str]:
    """Yield the watched modules that a file imports, `from a.b import c` as a.b and a.b.c."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.relative_to(ROOT)} must import by full names"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def files(room: str) -> list[Path]:
    """Return the modules of a room."""
    root = ROOT / room
    return [root] if root.is_file() else sorted(root.rglob("*.py"))


@pytest.mark.parametrize("room", [room for room in MAY_IMPORT if (ROOT / room).exists()])
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} must not import {name}"
        for path in files(room)
        for name in imports(path)
        if name.split(".")[0] in WATCHED
        and not any(f"{name}.".startswith(f"{below}.") for below in MAY_IMPORT[room])
    ]

    assert wrong == []


def test_every_module_lives_in_a_room() -> None:
    rooms = [room for room in MAY_IMPORT if (ROOT / room).exists()] + sorted(FREE)
    housed = {path for room in rooms for path in files(room)}
    homeless = [
        str(path.relative_to(ROOT))
        for top in ("deploy", "checks")
        for path in (ROOT / top).rglob("*.py")
        if path not in housed
    ]

    assert homeless == []
