"""`slipway drift --install-timer`: a job that could not run by itself at night is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.called import slipway

INVENTORY = """name: test
kubernetes: {endpoint: 192.0.2.1}
nodes: [{name: cp1, address: 192.0.2.1, roles: [control-plane]}]
object_store:
  provider: external
  endpoint: https://s3.home.arpa
  credentials: {access_key: {env: S3_USER}, secret_key: {file: secret}}
"""


def test_secrets_of_variables_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("S3_USER", "somebody")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "secret").write_text("s3cret")
    inventory = tmp_path / "test.yaml"
    inventory.write_text(INVENTORY)

    assert slipway("drift", inventory, "--install-timer") == 2

    assert capsys.readouterr().err == (
        f"{inventory}: at night there are none of your variables, and secrets are taken from some:\n"
        "  object_store.credentials.access_key: {env: S3_USER}\n"
        "Put each into a file that only you may read, and refer to it by {file: PATH}.\n"
    )
    assert not (tmp_path / "state").exists()


def test_a_hook_that_is_not_there_is_refused(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert slipway("drift", inventory, "--install-timer", "--on-change", "./absent") == 2

    assert capsys.readouterr().err == (
        "--on-change: ./absent is no program here that you may run; give its path, or make it executable\n"
    )
