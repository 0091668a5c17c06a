"""A model's engine that listens while a test runs."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from engine_world import Engine

from checks.acceptance import serving
from checks.acceptance.gates import Gate
from deploy.serving import names


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    server = Engine()
    monkeypatch.setattr(names, "PORT", server.server_address[1])
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(names, "SERVICE_PORT", server.server_address[1])
    monkeypatch.setattr(serving, "HEALTHY", Gate("a model to answer", 0.0))
    yield server
    server.shutdown()
    server.server_close()
