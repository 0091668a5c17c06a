"""What the tests of serving share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.serving.clusters import CONFIG
from tests.unit.serving.volumes import Volume


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return where the config.json of Qwen2.5-7B-Instruct lies."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return str(path)
