"""`slipway verify`: what it came to is kept, whoever still reads it."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.report import Report, history
from deploy.model import paths
from tests.unit.cli.called import slipway

PROVEN = Report("verify", "test", "20261130T031700Z-9f3a", datetime(2026, 11, 30, 3, 17, tzinfo=UTC), 1.0, ())


def test_a_report_is_kept_when_nobody_reads_it_to_its_end(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("deploy.cli.verify.Session", lambda *_: nullcontext())
    monkeypatch.setattr("deploy.cli.verify.verified", lambda *_, **__: PROVEN)
    monkeypatch.setattr("deploy.cli.verify.click.echo", closed)
    monkeypatch.setattr("deploy.cli.main.os.dup2", lambda *_: None)

    assert slipway("verify", inventory) == 1

    [kept] = history.load(paths.reports("test"), "verify", 9, datetime.now(UTC))
    assert kept.run == PROVEN.run
