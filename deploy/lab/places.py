"""Where the lab's own things lie: shipped files, and what it built."""

from __future__ import annotations

from pathlib import Path

from deploy.model import paths

ROOT = Path(__file__).parents[2]
FILES = ROOT / "files/lab"
TEMPLATES = ROOT / "templates/lab"
INVENTORIES = ROOT / "inventories"


def cache() -> Path:
    """Return the directory of what the lab built, shared by all labs."""
    return paths.cache_home() / "lab"
