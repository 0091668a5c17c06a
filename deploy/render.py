"""Templates and files of the house -> bytes: pure, strict about what a template asks for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=2)
def _environment(html: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=not html,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=html,  # noqa: S701 - a file for a host is no HTML
    )


def template(name: str, **values: object) -> bytes:
    """Render templates/NAME, a file for a host: nothing is escaped."""
    return _environment(html=False).get_template(name).render(**values).encode()


def page(name: str, **values: object) -> str:
    """Render templates/NAME, a page of HTML: every value is escaped."""
    return _environment(html=True).get_template(name).render(**values)


def file(name: str) -> bytes:
    """Return files/NAME as it is shipped."""
    return (ROOT / "files" / name).read_bytes()
