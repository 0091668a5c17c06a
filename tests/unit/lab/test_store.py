from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.lab import store
from deploy.lab.errors import LabError
from deploy.lab.places import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_key_follows_from_values_and_not_from_the_order_of_their_names() -> None:
    assert (
        store.key_of({"a": 1, "b": [2]}, "x") == store.key_of({"b": [2], "a": 1}, "x") == "b0e9d49351d02a60"
    )


def test_a_thing_is_made_once() -> None:
    made = list[Path]()

    folders = {store.kept("tool", "k1", made.append) for _ in range(3)}

    assert folders == {cache() / "tool-k1"}
    assert len(made) == 1


def test_other_ingredients_make_another_thing() -> None:
    assert store.kept("tool", "k1", lambda _: None) != store.kept("tool", "k2", lambda _: None)


def test_what_was_begun_is_gone_on_with_and_never_taken_for_whole() -> None:
    def fails(folder: Path) -> None:
        (folder / "half").write_text("done")
        raise LabError("the disk is full")

    with pytest.raises(LabError):
        store.kept("tool", "k1", fails)

    found = list[str]()
    folder = store.kept("tool", "k1", lambda begun: found.extend(path.name for path in begun.iterdir()))
    assert (found, [path.name for path in folder.iterdir()]) == (["half"], ["half"])


def test_a_second_builder_waits_for_the_first_and_says_so() -> None:
    script = (
        "from deploy.lab import store\n"
        "with store.locked(lambda text: print(text, flush=True)):\n"
        "    print('its turn')\n"
    )
    with store.locked(print):
        other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == f"Waiting for another run that builds into {cache()}\n"
        assert other.poll() is None
    assert other.stdout.read() == "its turn\n"
    assert other.wait(10) == 0
