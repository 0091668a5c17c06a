"""A real SSH server, as the engine's tests have it."""

from __future__ import annotations

from tests.unit.engine.conftest import sshd, state_home  # noqa: F401 - fixtures
