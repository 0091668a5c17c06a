"""What keeps a model's files whole, and looks at them before the engine starts: run by a real shell."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.unit.serving.volumes import KEY, WHOLE, Volume, lay


def test_files_are_fetched_once_and_lie_whole_under_their_key(volume: Volume) -> None:
    first, again = volume.fetch(), volume.fetch()

    assert (first.returncode, again.returncode, volume.fetched()) == (0, 0, 1)
    assert again.stdout == f"the files of {KEY} are there already\n"
    assert sorted(each.name for each in volume.files.iterdir()) == sorted([*WHOLE, ".slipway"])
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


def test_an_unpacker_that_skips_what_exists_begins_with_an_empty_folder(volume: Volume) -> None:
    volume.fetch('echo half >"$WORK/model-1.safetensors"; exit 1')

    seen = volume.fetch(f'ls "$WORK"; cp -r {volume.source}/. "$WORK"', ANEW="1")

    assert "model-1.safetensors" not in seen.stdout.splitlines()
    assert (volume.files / "model-1.safetensors").read_text() == "weights"


def test_too_little_room_ends_at_once_with_the_numbers(volume: Volume) -> None:
    ended = volume.fetch(NEED_KIB=str(1 << 50))

    assert (ended.returncode, volume.fetched()) == (65, 0)
    assert ended.stderr.endswith(
        f"are free on the volume, wanted {1 << 30}.0 GiB: 2.2 times the weights; make room there, or give the"
        " model another volume\n"
    )


def test_a_disk_that_fills_while_files_come_is_said_and_nothing_of_them_is_served(
    volume: Volume, tmp_path: Path
) -> None:
    """Of a df that is made up, which has room until something was fetched; tmp's own may have any."""
    tools, source = tmp_path / "tools", volume.source
    lay(tools, {"df": f'#!/bin/sh\nls {volume.path}/.incoming-{KEY}/* >/dev/null 2>&1 && kib=9 || kib=99999\n'
                      'echo "/dev/sdb1 100000 1 $kib 1% /models"\n'}).joinpath("df").chmod(0o755)  # fmt: skip
    small = {"PATH": f"{tools}:{os.environ['PATH']}"}

    full = volume.fetch(
        f'cp {source}/config.json "$WORK"; echo "No space left on device" >&2; exit 1', **small
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
