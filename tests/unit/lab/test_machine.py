from __future__ import annotations

from pathlib import Path

import pytest

from deploy.lab import machine


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
