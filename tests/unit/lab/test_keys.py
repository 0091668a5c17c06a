from __future__ import annotations

import io
import tarfile
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from deploy.lab import keys
from deploy.model import paths

N1, N2 = IPv4Address("10.89.7.11"), IPv4Address("10.89.7.12")


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_a_host_is_known_on_every_port_that_it_answers_on() -> None:
    assert keys.known_lines({N1: "ssh-ed25519 AAAA n1"}) == [
        "10.89.7.11 ssh-ed25519 AAAA",
        "[10.89.7.11]:2222 ssh-ed25519 AAAA",
    ]


def test_a_host_made_anew_takes_the_place_of_its_old_key() -> None:
    keys.trust("lab", keys.known_lines({N1: "ssh-ed25519 OLD", N2: "ssh-ed25519 TWO"}))

    keys.trust("lab", keys.known_lines({N1: "ssh-ed25519 NEW"}))

    assert paths.known_hosts("lab").read_text().splitlines() == [
        "10.89.7.12 ssh-ed25519 TWO",
        "[10.89.7.12]:2222 ssh-ed25519 TWO",
        "10.89.7.11 ssh-ed25519 NEW",
        "[10.89.7.11]:2222 ssh-ed25519 NEW",
    ]
    assert paths.known_hosts("lab").stat().st_mode & 0o777 == 0o600


def test_hosts_that_are_not_to_be_trusted_are_forgotten() -> None:
    keys.trust("lab", keys.known_lines({N1: "ssh-ed25519 OLD"}))

    keys.forget("lab", [N1])

    assert paths.known_hosts("lab").read_text() == ""


def test_a_host_is_brought_its_own_key_and_lets_in_every_user(tmp_path: Path) -> None:
    for name in ("login", "host"):
        (tmp_path / name).write_text(f"private {name}")
        (tmp_path / f"{name}.pub").write_text(f"public {name}\n")

    brought = keys.brought(tmp_path / "login", tmp_path / "host")

    with tarfile.open(fileobj=io.BytesIO(brought)) as archive:
        found = {each.name: (oct(each.mode), archive.extractfile(each).read()) for each in archive}  # type: ignore[union-attr]
    assert found == {
        "etc/ssh/ssh_host_ed25519_key": ("0o600", b"private host"),
        "etc/ssh/ssh_host_ed25519_key.pub": ("0o644", b"public host\n"),
        "root/.ssh/authorized_keys": ("0o644", b"public login\n"),
        "home/ops/.ssh/authorized_keys": ("0o644", b"public login\n"),
        "home/nosudo/.ssh/authorized_keys": ("0o644", b"public login\n"),
    }
