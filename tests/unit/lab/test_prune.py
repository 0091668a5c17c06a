from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.lab import prune, recipes, store
from deploy.lab.places import cache
from deploy.lab.progress import Progress
from deploy.lab.prune import Labs, Pruning

NO_LAB = Labs(exist=False, seen=frozenset())
OLD, NEW = "built-runc-00000000000000aa", "built-runc-00000000000000bb"
GO = "go version go9.99.1 linux/amd64"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Go that is new enough, and a podman that knows no container."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, said in (("go", GO), ("podman", "")):
        (folder / name).write_text(f"#!/bin/sh\necho {said}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def cached(*names: str) -> Path:
    for name in names:
        (cache() / name).mkdir(parents=True)
        (cache() / name / "content").write_bytes(b"x" * 1000)
    return cache()


def test_what_nothing_asks_for_goes_whole_or_begun() -> None:
    root = cached(NEW, f"{NEW}.part", OLD, f"{OLD}.part")

    assert prune.going(root, [NEW], NO_LAB) == [root / OLD, root / f"{OLD}.part"]


def test_what_a_container_of_a_lab_has_mounted_stays() -> None:
    root = cached(OLD)

    assert prune.going(root, [], Labs(exist=True, seen=frozenset({root / OLD}))) == []


def test_what_has_no_name_of_the_caches_stays() -> None:
    root = cached("mine", "mine-0123", "go")
    (root / "lock").touch()

    assert prune.going(root, [], NO_LAB) == []


def test_what_is_served_stays_as_long_as_there_is_a_lab() -> None:
    root = cached("mirror", "registry")

    assert prune.going(root, [], Labs(exist=True, seen=frozenset())) == []
    assert prune.going(root, [], NO_LAB) == [root / "mirror", root / "registry"]


def test_the_folders_of_the_machine_that_a_container_sees_are_those_that_podman_names() -> None:
    inspected = [
        {"Mounts": [{"Type": "bind", "Source": "/cache/built-registry", "Destination": "/opt/registry"}]},
        {"Mounts": []},
    ]

    assert prune.seen(inspected) == frozenset({Path("/cache/built-registry")})


def test_a_file_that_is_linked_to_from_outside_is_not_counted_as_freed() -> None:
    root = cached(OLD, "mirror")
    os.link(root / OLD / "content", root / "mirror/linked")

    assert prune.found_by([root / OLD]) == Pruning({root / OLD: 1000}, 0)
    assert prune.found_by([root / OLD, root / "mirror"]) == Pruning(
        {root / OLD: 1000, root / "mirror": 1000}, 2000
    )


def test_nothing_is_made_while_names_are_looked_up() -> None:
    with store.only_looked_up() as asked, pytest.raises(store.UnmadeError) as error:
        store.kept("tool", "k1", lambda _: pytest.fail("made"))

    assert str(error.value) == "tool-k1 has not been made yet. Run: slipway lab build"
    assert asked == {"tool-k1"}
    assert store.kept("tool", "k1", lambda _: None) == cache() / "tool-k1"


def test_todays_sources_ask_for_every_module_layer_and_model_also_where_nothing_is_made() -> None:
    names = {name.rpartition("-")[0] for name in prune.wanted(Progress())}

    assert names == {
        "built-k3s-front",
        "built-pause",
        "built-simulated-gpus",
        "file-flannel-chart",
        "file-metallb-chart",
        "k3s-release",
        "layer-network",
        "layer-python",
        "layer-shell",
        "layer-tools",
        "model-tiny",
        *(f"modules-{name}" for name, module in recipes.load().modules.items() if not module.folder),
    }


def test_nothing_goes_unless_it_is_asked_for_by_name() -> None:
    root = cached(OLD, "mirror", "mine")

    shown = prune.pruned(Progress(), delete=False)
    assert shown == Pruning({root / OLD: 1000, root / "mirror": 1000}, 2000)
    assert sorted(path.name for path in root.iterdir()) == [OLD, "lock", "mine", "mirror"]

    assert prune.pruned(Progress(), delete=True) == shown
    assert sorted(path.name for path in root.iterdir()) == ["lock", "mine"]


def test_what_would_go_is_shown_with_what_the_disk_has_back() -> None:
    found = Pruning({Path("/c/built-runc-aa"): 12_300_000, Path("/c/image-etcd-bb"): 60_000_000}, 12_300_000)

    assert list(prune.lines(found, deleted=False)) == [
        "   12.3 MB  built-runc-aa",
        "   60.0 MB  image-etcd-bb",
        f"\n2 folders that nothing in this checkout asks for, in {cache()}.",
        "To be freed: 12.3 MB; the rest is linked to by what stays.",
        "Nothing is deleted yet. To delete them: slipway lab prune --yes",
    ]


def test_what_went_is_said() -> None:
    found = Pruning({Path("/c/built-runc-aa"): 12_300_000}, 12_300_000)

    assert list(prune.lines(found, deleted=True)) == [
        "   12.3 MB  built-runc-aa",
        f"\n1 folder that nothing in this checkout asks for, in {cache()}.",
        "Freed: 12.3 MB.",
    ]
    assert list(prune.lines(Pruning({}, 0), deleted=False)) == [f"Nothing in {cache()} is out of use."]
