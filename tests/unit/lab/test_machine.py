from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.lab import machine
from deploy.lab.errors import LabError
from deploy.model.k3s import POLICY_MODULES


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name, value in {
        "fs/inotify/max_user_instances": "128\n",
        "fs/inotify/max_user_watches": "1048576\n",
        "vm/overcommit_memory": "0\n",
    }.items():
        (tmp_path / "proc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "proc" / name).write_text(value)
    return tmp_path / "proc"


def test_only_what_is_too_low_is_raised(proc: Path) -> None:
    assert machine.prepare(proc) == ["fs.inotify.max_user_instances = 8192"]
    assert machine.prepare(proc) == []
    assert (proc / "fs/inotify/max_user_watches").read_text() == "1048576\n"


def test_the_machine_gets_back_what_labs_changed_of_it(proc: Path) -> None:
    machine.prepare(proc)
    (proc / "vm/overcommit_memory").write_text("1")

    assert machine.restore(proc) == ["fs.inotify.max_user_instances = 128", "vm.overcommit_memory = 0"]
    assert [
        (proc / name).read_text() for name in ("fs/inotify/max_user_instances", "vm/overcommit_memory")
    ] == [
        "128",
        "0",
    ]


def test_a_second_lab_does_not_take_the_firsts_settings_for_the_machines(proc: Path) -> None:
    machine.prepare(proc)
    machine.prepare(proc)

    assert machine.restore(proc) == ["fs.inotify.max_user_instances = 128"]


def test_nothing_is_put_back_where_nothing_was_remembered(proc: Path) -> None:
    assert machine.restore(proc) == []


@pytest.fixture
def modprobe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A modprobe that notes what it is asked for, and a kernel that has modules."""
    program = tmp_path / "bin" / "modprobe"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (tmp_path / "modules").touch()
    (tmp_path / "filesystems").write_text("nodev\tproc\n\text4\n")
    return program


def test_what_hosts_cannot_load_themselves_is_loaded_for_them(
    proc: Path, modprobe: Path, tmp_path: Path
) -> None:
    assert machine.load(proc, tmp_path / "none") == ["overlay", "br_netfilter", "vxlan"]
    assert (tmp_path / "asked").read_text() == "-- overlay\n-- br_netfilter\n-- vxlan\n"


def test_hosts_of_k3s_can_enforce_policies(proc: Path, modprobe: Path, tmp_path: Path) -> None:
    (tmp_path / "loaded/xt_comment").mkdir(parents=True)

    asked = machine.load(proc, tmp_path / "loaded", policies=True)

    assert set(asked) == {"overlay", "br_netfilter", "vxlan", *POLICY_MODULES} - {"xt_comment"}


def test_what_the_kernel_does_already_is_not_loaded(proc: Path, modprobe: Path, tmp_path: Path) -> None:
    (tmp_path / "filesystems").write_text("nodev\toverlay\n")
    (proc / "net/bridge").mkdir(parents=True)
    (proc / "net/bridge/bridge-nf-call-iptables").write_text("1")

    (tmp_path / "loaded/vxlan").mkdir(parents=True)

    assert machine.load(proc, tmp_path / "loaded") == []
    assert not (tmp_path / "asked").exists()


def test_a_module_that_the_kernel_lacks_ends_a_lab_before_it_begins(proc: Path, modprobe: Path) -> None:
    modprobe.write_text('#!/bin/sh\necho "FATAL: Module $2 not found" >&2; exit 1\n')

    with pytest.raises(LabError) as lacking:
        machine.load(proc)

    assert str(lacking.value) == (
        "modprobe -- overlay ended with status 1:\n    FATAL: Module overlay not found"
    )


def test_a_kernel_without_loadable_modules_is_asked_for_none(
    proc: Path, modprobe: Path, tmp_path: Path
) -> None:
    (tmp_path / "modules").unlink()

    assert machine.load(proc) == []
    assert not (tmp_path / "asked").exists()
