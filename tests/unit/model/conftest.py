from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from deploy.errors import InventoryError
from deploy.model import load_cluster

Complaint = Callable[[str], str]


@pytest.fixture
def complaint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Complaint:
    """Return what loading an inventory of this text complains about, the whole of it."""
    monkeypatch.chdir(tmp_path)

    def said(text: str) -> str:
        Path("bad.yaml").write_text(dedent(text).lstrip("\n"))
        with pytest.raises(InventoryError) as caught:
            load_cluster("bad.yaml")
        assert caught.value.exit_code == 2
        return str(caught.value)

    return said
