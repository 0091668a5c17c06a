"""Where the tests' SSH server comes from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.engine import sshd


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without sshd, whose apt-get brings one and notes what policy it met."""
    policy = tmp_path / "policy-rc.d"
    brought = {
        "apt-get": f"""echo "$*" >> {tmp_path}/asked; [ "$1" = update ] && exit 0
cat {policy} > {tmp_path}/met; printf "#!/bin/sh\\n" > {tmp_path}/sshd; chmod 755 {tmp_path}/sshd""",
        "systemctl": f'echo "systemctl $*" >> {tmp_path}/asked',
    }
    for name, text in brought.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(sshd, "PLACES", str(tmp_path))
    monkeypatch.setattr(sshd, "POLICY", policy)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_a_missing_sshd_is_installed_and_its_service_stays_off(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.warns(
        UserWarning, match=r"^sshd was missing: openssh-server is installed, its service stays off$"
    ):
        assert sshd.sshd_path() == str(machine / "sshd")
    assert (machine / "asked").read_text().splitlines() == [
        "update --quiet",
        "install --yes --quiet --no-install-recommends openssh-server",
        "systemctl disable --quiet ssh.service ssh.socket",
    ]
    assert (machine / "met").read_text() == "#!/bin/sh\nexit 101\n"
    assert not sshd.POLICY.exists()


def test_a_policy_of_the_machines_own_stays(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    sshd.POLICY.write_text("own")

    with pytest.warns(UserWarning, match="openssh-server is installed"):
        sshd.sshd_path()

    assert sshd.POLICY.read_text() == "own"


def test_without_root_the_command_to_run_is_said(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(
        AssertionError, match="apt-get install --yes --quiet --no-install-recommends openssh-server"
    ):
        sshd.sshd_path()
    assert not (machine / "asked").exists()


def test_an_sshd_that_is_there_is_taken(machine: Path) -> None:
    (machine / "sshd").write_text("#!/bin/sh\n")
    (machine / "sshd").chmod(0o755)

    assert sshd.sshd_path() == str(machine / "sshd")
    assert not (machine / "asked").exists()
