"""Shared libraries in the place of those that a program is linked to and never calls.

A CPU build of torch is not on PyPI; the one that is there wants gigabytes of CUDA's libraries to be loaded.
A stub's function ends the program and says which it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.lab.run import run

CC = ("gcc", "-shared", "-fPIC", "-O1", "-w", "-fno-builtin", "-s")
_NEEDED = re.compile(r"\(NEEDED\)\s+Shared library: \[(.+)\]")
_FILE = re.compile(r"Version: \d+\s+File: (\S+)\s+Cnt:")
_VERSION = re.compile(r"^\s*0x\w+:\s+Name: (\S+)\s+Flags:")
_CONSTRUCTOR = re.compile(r"C[12]E")
_DATA = ("_ZTV", "_ZTI", "_ZTS", "_ZGV")
TYPE = "_ZTVN10__cxxabiv117__class_type_infoE"
"""What a C++ type's description begins with (Itanium C++ ABI, 2.9.5); types are compared by it at import."""
METHODS = 32
ROOM = 4096
"""Bytes of a stub's data object: more than any vtable or static that is only ever pointed to."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that a library wants of others, with the version that it was linked to."""

    name: str
    version: str | None
    data: bool


@dataclass(frozen=True, slots=True)
class Library:
    """What the dynamic linker reads of a library: `versions` are version name -> the library that has it."""

    needed: tuple[str, ...] = ()
    wants: frozenset[Symbol] = frozenset()
    gives: frozenset[str] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> Library:
    """Return what a library wants and gives."""
    return parsed(run(["readelf", "--wide", "--dynamic", "--version-info", "--dyn-syms", str(path)]).stdout)


def parsed(text: str) -> Library:
    """Return the same from readelf's output; a weak symbol is wanted by nobody."""
    wants, gives, versions, file = set[Symbol](), set[str](), dict[str, str](), ""
    for line in text.splitlines():
        if found := _FILE.search(line):
            file = found[1]
        elif found := _VERSION.match(line):
            versions[found[1]] = file
        words = line.split()
        if len(words) < 8 or not words[0].endswith(":") or not words[0][:-1].isdigit():
            continue
        kind, binding, section, name = words[3], words[4], words[6], words[7]
        bare, _, version = name.replace("@@", "@").partition("@")
        if section != "UND":
            gives.add(bare)
        elif binding == "GLOBAL":
            wants.add(Symbol(bare, version or None, kind == "OBJECT" or bare.startswith(_DATA)))
    return Library(tuple(_NEEDED.findall(text)), frozenset(wants), frozenset(gives), versions)


def missing(libraries: Iterable[Library], stubbed: Iterable[str]) -> dict[str, set[Symbol]]:
    """Return, for each library to be stubbed, the symbols that nothing else gives."""
    everything, places = list(libraries), {name: set[Symbol]() for name in stubbed}
    given = {name for each in everything for name in each.gives}
    for each in everything:
        first = next((name for name in each.needed if name in places), None)
        for symbol in each.wants:
            place = each.versions.get(symbol.version or "") if symbol.version else first
            if place in places and (symbol.version or symbol.name not in given):
                places[place].add(symbol)
    return places


def source(name: str, symbols: Iterable[Symbol], answering: Collection[str] = ()) -> str:
    """Return the C text of a stub.

    What is `answering` gives a place of zeroes, as a reference, or constructs an object that does nothing.
    """
    return "\n".join(
        [
            "#include <stdio.h>",
            "#include <stdlib.h>",
            f"extern char {TYPE}[];",
            f"static char room[{ROOM}];",
            f'static void *type[] = {{ {TYPE} + 16, "stub" }};',
            "static void nothing(void) {}",
            f"static void *table[] = {{ 0, type, {', '.join(['nothing'] * METHODS)} }};",
            *(_definition(name, each, answering) for each in _once(symbols)),
            "",
        ]
    )


def _definition(name: str, symbol: Symbol, answering: Collection[str]) -> str:
    if symbol.name.startswith("_ZTI"):
        return f'void *{symbol.name}[] = {{ {TYPE} + 16, "{symbol.name.removeprefix("_ZTI")}" }};'
    if symbol.data:
        return f"char {symbol.name}[{ROOM}];"
    if symbol.name in answering and _CONSTRUCTOR.search(symbol.name):
        return f"void {symbol.name}(void **self) {{ self[0] = table + 2; }}"
    if symbol.name in answering:
        return f"void *{symbol.name}(void) {{ return room; }}"
    said = f"{name}, a stub: {symbol.name} was called"
    return f'void {symbol.name}(void) {{ fputs("{said}\\n", stderr); abort(); }}'


def _once(symbols: Iterable[Symbol]) -> list[Symbol]:
    named = {symbol.name: symbol for symbol in symbols}
    return [named[name] for name in sorted(named)]


def versions(symbols: Iterable[Symbol]) -> str:
    """Return the linker's version script: what was linked to with a version is found under it alone."""
    found = sorted({symbol.version for symbol in symbols if symbol.version})
    return "".join(f"{version} {{ global: *; }};\n" for version in found)


def built(folder: Path, stubs: Mapping[str, Iterable[Symbol]], answering: Collection[str]) -> None:
    """Compile stubs under their names into a folder."""
    for name, each in stubs.items():
        symbols = list(each)
        script, text = folder / f"{name}.map", folder / f"{name}.c"
        text.write_text(source(name, symbols, answering))
        script.write_text(versions(symbols))
        versioned = [f"-Wl,--version-script={script}"] if script.stat().st_size else []
        options = [*CC, f"-Wl,-soname,{name}", *versioned, "-o", str(folder / name)]
        run([*options, str(text), "-lstdc++"])
        script.unlink()
        text.unlink()
