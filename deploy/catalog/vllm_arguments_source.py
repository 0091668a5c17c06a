"""Reads the arguments of `vllm serve` out of vLLM's own source and prints vllm_arguments.yaml.

Wants a release's package unpacked (a wheel of any build holds the same source; nothing of it is run):

    python -m deploy.catalog.vllm_arguments_source 0.32.0 FOLDER > deploy/catalog/vllm_arguments.yaml
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ENGINE = "vllm/engine/arg_utils.py"
FRONTEND = "vllm/entrypoints/launchers/cli_args.py"
CONFIGS = "vllm/config/*.py"
FRONTENDS = ("BaseFrontendArgs", "FrontendArgs")
SWITCH = {"BooleanOptionalAction": "switch", "store_true": "flag", "store_false": "flag"}
HEADER = """\
# Written by deploy/catalog/vllm_arguments_source.py out of the source of vLLM {version}:
# {engine}, {frontend}, {configs}.
#
# Every argument of `vllm serve`: value takes one or more, switch is given as --NAME or --no-NAME, flag as
# --NAME alone, optional with or without a value. `short` are other spellings.

version: "{version}"
arguments:
"""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: its name without dashes, what goes with it, and its other spellings."""

    name: str
    kind: str
    short: tuple[str, ...] = ()


def main(version: str, folder: Path) -> None:
    """Print the table."""
    engine, frontend = ((folder / name).read_text() for name in (ENGINE, FRONTEND))
    fields = {}
    for path in sorted(folder.glob(CONFIGS)):
        fields.update(kinds(path.read_text()))
    found = {each.name: each for each in (*added(engine, fields), *added(frontend, {}), *declared(frontend))}
    sys.stdout.write(HEADER.format(version=version, engine=ENGINE, frontend=FRONTEND, configs=CONFIGS))
    for name in sorted(found):
        sys.stdout.write(f"  {name}: {found[name].kind}\n")
    sys.stdout.write("short:\n")
    for each in sorted(found.values(), key=lambda argument: argument.name):
        for short in each.short:
            sys.stdout.write(f"  {short}: {each.name}\n")


def kinds(text: str) -> dict[tuple[str, str], str]:
    """Return (class, field) -> kind for every annotated field of a file of configurations."""
    return {
        (node.name, field.target.id): kind_of(ast.unparse(field.annotation))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def kind_of(annotation: str) -> str:
    """Return what a field's type makes of its argument, as get_kwargs does."""
    types = {part.strip() for part in annotation.split("|")}
    if types == {"bool", "str", "None"}:
        return "optional"
    return "switch" if "bool" in types else "value"


def added(text: str, fields: dict[tuple[str, str], str]) -> Iterator[Argument]:
    """Yield what a file adds by name; the kind of what a configuration describes is looked up there."""
    tree = ast.parse(text)
    classes = dict(_configurations(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        names = [
            arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        ]
        longs = [name.removeprefix("--") for name in names if name.startswith("--")]
        if node.func.attr != "add_argument" or not longs:
            continue
        shorts = [name for name in names if name.startswith("-") and not name.startswith("--")]
        others = [f"--{name}" for name in longs[1:]]
        yield Argument(longs[0], _kind(node, classes, fields), (*shorts, *others))


def _configurations(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (variable, class) of every `x_kwargs = get_kwargs(Class)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            for call in ast.walk(node.value):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "get_kwargs":
                    yield node.targets[0].id, ast.unparse(call.args[0])


def _kind(call: ast.Call, classes: dict[str, str], fields: dict[tuple[str, str], str]) -> str:
    for keyword in call.keywords:
        if keyword.arg == "action":
            return SWITCH.get(ast.unparse(keyword.value).strip("'").rpartition(".")[2], "value")
        looked_up = [each for each in ast.walk(keyword.value) if isinstance(each, ast.Subscript)]
        for each in looked_up if keyword.arg is None else ():
            variable, key = ast.unparse(each.value), each.slice
            if isinstance(key, ast.Constant) and variable in classes:
                return fields.get((classes[variable], str(key.value)), "value")
    return "value"


def declared(text: str) -> Iterator[Argument]:
    """Yield what the front ends' classes declare as fields."""
    for (owner, name), kind in kinds(text).items():
        if owner in FRONTENDS:
            yield Argument(name.replace("_", "-"), kind)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
