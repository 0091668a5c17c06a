"""What keeps a model's files whole, and looks at them before the engine starts: run by a real shell."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.serving.volumes import KEY, WHOLE, Volume, lay


def test_files_are_fetched_once_and_lie_whole_under_their_key(volume: Volume) -> None:
    first, again = volume.fetch(), volume.fetch()

    assert (first.returncode, again.returncode, volume.fetched()) == (0, 0, 1)
    assert again.stdout == f"the files of {KEY} are there already\n"
    assert sorted(each.name for each in volume.files.iterdir()) == sorted(
        [*WHOLE, ".slipway", ".slipway.version"]
    )
    assert volume.check(MARKED="1").stdout == f"{volume.files} is whole\n"


def test_a_fetch_that_fails_leaves_nothing_to_be_served_and_the_next_goes_on_from_it(volume: Volume) -> None:
    failed = volume.fetch(f'cp {volume.source}/config.json "$WORK"; exit 7')

    assert failed.returncode == 1
    assert failed.stderr == "fetching ended with 7; what came is kept, and the next try goes on from it\n"
    assert not volume.files.exists()
    assert volume.check(MARKED="1").returncode == 1
    seen = volume.fetch(f'ls "$WORK"; cp -r {volume.source}/. "$WORK"')
    assert seen.stdout.splitlines()[0] == "config.json"
    assert volume.check(MARKED="1").returncode == 0


def test_too_little_room_ends_at_once_with_the_numbers(volume: Volume) -> None:
    ended = volume.fetch(NEED_KIB=str(1 << 50))

    assert (ended.returncode, volume.fetched()) == (65, 0)
    assert ended.stderr.endswith(
        f"are free on the volume, wanted {1 << 30}.0 GiB: 2.2 times the weights; make room there, or give the"
        " model another volume\n"
    )


def small(tools: Path, free: str) -> dict[str, str]:
    """Return the environment with a df that is made up: its script says how many KiB are free."""
    script = f'#!/bin/sh\n{free}\necho "/dev/sdb1 100000 1 $kib 1% /models"\n'
    lay(tools, {"df": script}).joinpath("df").chmod(0o755)
    return {"PATH": f"{tools}:{os.environ['PATH']}"}


def test_a_version_without_room_is_told_with_those_that_take_it(volume: Volume, tmp_path: Path) -> None:
    volume.fetch()
    lay(volume.path / "mine", {"notes.txt": "somebody's own"})

    ended = volume.fetch(
        KEY="ba9876543210", VERSION="2", NEED_KIB="2097152", **small(tmp_path, "kib=1048576")
    )

    assert ended.returncode == 65
    assert ended.stderr == (
        "1.0 GiB are free on the volume, wanted 2.0 GiB: 2.2 times the weights; make room there, or give the"
        f" model another volume; {KEY} is version 1, 0.0 GiB; what no model serves any more is removed there"
        " by rm -r FOLDER\n"
    )
    assert volume.files.exists()


def test_room_is_made_of_what_came_of_others_unless_they_are_at_work(volume: Volume, tmp_path: Path) -> None:
    gone, used = (volume.path / f".incoming-{key}" for key in ("ba9876543210", "cccccccccccc"))
    for each in (gone, used):
        lay(each, {"model-1.safetensors": "half"})
    frees = f"[ -e {gone} ] && kib=0 || kib=2097152"
    asked = {"NEED_KIB": "1048576", **small(tmp_path / "tools", frees)}
    holder = subprocess.Popen(
        ["flock", volume.path / ".lock-cccccccccccc", "sh", "-c", "echo held; read end"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    holder.stdout.readline()

    made = volume.fetch(**asked)
    holder.communicate("end\n")

    assert (made.returncode, made.stdout.splitlines()[0]) == (0, "removed what had come of ba9876543210")
    assert (gone.exists(), used.exists()) == (False, True)


def test_what_came_of_others_stays_where_there_is_room(volume: Volume) -> None:
    half = lay(volume.path / ".incoming-ba9876543210", {"model-1.safetensors": "half"})

    assert volume.fetch().returncode == 0
    assert half.exists()


def test_a_disk_that_fills_while_files_come_is_said_and_nothing_of_them_is_served(
    volume: Volume, tmp_path: Path
) -> None:
    """Of a df that is made up, which has room until something was fetched; tmp's own may have any."""
    source = volume.source
    tools = small(
        tmp_path / "tools", f"ls {volume.path}/.incoming-{KEY}/* >/dev/null 2>&1 && kib=9 || kib=99999"
    )

    full = volume.fetch(
        f'cp {source}/config.json "$WORK"; echo "No space left on device" >&2; exit 1', **tools
    )

    assert (full.returncode, full.stderr) == (
        65,
        (
            "No space left on device\n"
            "the volume is full; make room, and apply again, which goes on from what came\n"
        ),
    )
    assert not volume.files.exists()
    assert volume.check(MARKED="1").stderr.startswith(f"{volume.files} is not there;")
    assert volume.fetch().returncode == 0


def test_what_the_fetcher_calls_final_is_final(volume: Volume) -> None:
    assert volume.fetch("echo gated >&2; exit 65").returncode == 65


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("config.json", "config.json"),
        ("tokenizer.json", "a tokenizer"),
        ("model-2.safetensors", "model-2.safetensors, which model.safetensors.index.json names"),
    ],
)
def test_a_source_that_lacks_something_is_never_served(volume: Volume, missing: str, said: str) -> None:
    (volume.source / missing).unlink()

    ended = volume.fetch()

    assert (ended.returncode, ended.stderr) == (
        65,
        f"what was fetched lacks {said}; is everything in the source?\n",
    )
    assert not volume.files.exists()


@pytest.mark.parametrize(
    ("beside", "lacking"), [((), "config.json"), (("config.json", "tokenizer.json"), "weights")]
)
def test_a_gguf_is_no_model_for_vllm(volume: Volume, beside: tuple[str, ...], lacking: str) -> None:
    for name in set(WHOLE) - set(beside):
        (volume.source / name).unlink()
    (volume.source / "qwen-q4_k_m.gguf").write_text("weights")

    ended = volume.fetch()

    assert (ended.returncode, ended.stderr) == (
        65,
        f"what was fetched lacks {lacking} (its GGUF is not served); is everything in the source?\n",
    )


def test_weights_are_wanted_unless_they_are_made_up(volume: Volume) -> None:
    for name in [name for name in WHOLE if "safetensors" in name]:
        (volume.source / name).unlink()

    assert volume.fetch().stderr == "what was fetched lacks weights; is everything in the source?\n"
    assert volume.fetch(DUMMY="1").returncode == 0


def test_a_volume_that_others_own_ends_at_once_and_says_for_whom_it_must_be_writable(volume: Volume) -> None:
    user = os.getuid()
    volume.path.rmdir()

    ended = volume.fetch()

    assert ended.returncode == 65
    assert ended.stderr.splitlines()[-1] == (
        f"the volume is not writable for user {user}; on a volume of your own, as of NFS, make it so there:"
        f" chown {user} FOLDER, or chmod o+rwx FOLDER; then apply again"
    )


def test_files_that_changed_since_they_were_fetched_are_not_served_and_fetched_again(volume: Volume) -> None:
    volume.fetch()
    (volume.files / "model-1.safetensors").write_text("w")

    assert volume.check(MARKED="1").stderr.startswith(f"the files in {volume.files} are not those that were")
    assert volume.fetch().returncode == 0
    assert (volume.files / "model-1.safetensors").read_text() == "weights"


def test_a_checksum_is_that_of_all_files(volume: Volume) -> None:
    lines = "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  ./{name}\n" for name, text in sorted(WHOLE.items())
    )
    right = f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"

    wrong = volume.fetch(CHECKSUM=f"sha256:{'0' * 64}")

    assert wrong.stderr == f"the files have the digest {right}, wanted sha256:{'0' * 64}\n"
    assert (wrong.returncode, volume.files.exists()) == (65, False)
    assert volume.fetch(CHECKSUM=right).returncode == 0


def test_files_that_somebody_else_put_there_need_no_mark(volume: Volume) -> None:
    assert volume.check(volume.source).returncode == 0
    assert volume.check(volume.source, MARKED="1").returncode == 1
    assert volume.check(volume.path / "nowhere").stderr == (
        f"{volume.path}/nowhere is not there; look at models[].source; for files that are fetched:"
        " delete the model's Job in the namespace models and apply again, which fetches them anew\n"
    )


def test_files_that_are_somebody_else_s_alone_are_said_to_be(volume: Volume, tmp_path: Path) -> None:
    """By an ls that is made up: whoever runs these tests may read everything."""
    complaint = "ls: cannot open directory: Permission denied"
    tools = lay(tmp_path / "tools", {"ls": f"#!/bin/sh\necho '{complaint}' >&2\nexit 2\n"})
    (tools / "ls").chmod(0o755)

    ended = volume.check(volume.source, PATH=f"{tools}:{os.environ['PATH']}")

    groups = " ".join(map(str, dict.fromkeys([os.getgid(), *os.getgroups()])))
    who = f"user {os.getuid()}, of the groups {groups}"
    what_to_do = "make it readable for others, or name a group that may read it in models[].groups"
    assert ended.returncode == 1
    assert ended.stderr == f"{complaint}\n{volume.source} cannot be read by {who}: {what_to_do}\n"
