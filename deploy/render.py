"""Templates and files of the house -> bytes: pure, strict about what a template asks for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML
    )


def template(name: str, **values: object) -> bytes:
    """Render templates/NAME."""
    return _environment().get_template(name).render(**values).encode()


def file(name: str) -> bytes:
    """Return files/NAME as it is shipped."""
    return (ROOT / "files" / name).read_bytes()
