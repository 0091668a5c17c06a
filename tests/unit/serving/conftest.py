"""What the tests of scripts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.serving.volumes import Volume


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)
