from __future__ import annotations

import os

import pytest

from deploy.lab import packages
from deploy.lab.errors import LabUsageError
from deploy.lab.lab import Lab


def test_only_what_is_not_there_is_installed() -> None:
    assert packages.missing([*packages.NEEDED[2:], "vim"], has_go=True) == ["podman", "runc"]


def test_a_machine_without_go_gets_debians_which_fetches_the_one_that_builds() -> None:
    assert packages.missing(packages.NEEDED, has_go=False) == ["golang-go"]


def test_another_users_containers_are_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(LabUsageError) as refused:
        Lab().down()

    assert str(refused.value) == (
        "the lab's hosts are privileged containers of root. Run the same command as root"
    )


def test_without_root_the_exact_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages, "installed", lambda: list(packages.NEEDED[1:]))
    monkeypatch.setattr(packages.toolchain, "present", lambda: "/usr/bin/go")

    with pytest.raises(LabUsageError) as refused:
        packages.ensure(print)

    assert str(refused.value) == (
        "the lab needs root, since its hosts are privileged containers. As root run: apt-get update && "
        "apt-get install --yes --quiet --no-install-recommends podman, then this again"
    )
