"""A real SSH server, as the engine's tests have it, and an inventory of hosts that nobody has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.engine.conftest import sshd, state_home  # noqa: F401 - fixtures


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hosts of 192.0.2.0/24, which nobody has (RFC 5737)."""
    monkeypatch.setattr("deploy.engine.connect.CONNECT", 0.3)
    path = tmp_path / "lab.yaml"
    path.write_text(
        "name: test\n"
        "kubernetes: {endpoint: 192.0.2.1}\n"
        "nodes:\n"
        "  - {name: cp1, address: 192.0.2.1, roles: [control-plane]}\n"
        "  - {name: w1, address: 192.0.2.2, roles: [worker]}\n"
    )
    return path
