"""What a container shows from inside: all of its names, or none of them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deploy.observe import inside
from deploy.observe.inside import Look, Seen

LOOK = Look("object-store", "minio-0", "minio", "echo 'two words'; echo end")


def looked(tmp_path: Path, kubectl: str) -> Seen:
    """Run the command with a kubectl that is made up."""
    program = tmp_path / "kubectl"
    program.write_text(f"#!/bin/sh\n{kubectl}\n")
    program.chmod(0o755)
    ran = subprocess.run(
        ["sh", "-c", inside.command(LOOK)],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return inside.parse(ran.stdout.splitlines())


def test_a_script_is_run_in_the_container_as_it_is_written(tmp_path: Path) -> None:
    words = "exec --namespace=object-store minio-0 --container=minio -- sh -c"

    seen = looked(tmp_path, f'case $* in "{words} "*) shift 7; sh -c "$1";; esac')

    assert seen == Seen(frozenset({"two words"}))


def test_what_went_wrong_is_said_and_not_only_that_it_did(tmp_path: Path) -> None:
    seen = looked(
        tmp_path, "echo name; echo 'no such drive' >&2; echo 'command terminated with exit code 2'; exit 2"
    )

    assert seen == Seen(None, "no such drive")


def test_an_image_without_a_shell_is_closed() -> None:
    said = 'error: unable to start container process: exec: "sh": executable file not found in $PATH'

    assert inside.parse([said]) == Seen(None, said, is_closed=True)


def test_silence_is_not_an_empty_list() -> None:
    assert inside.parse([]) == Seen(None, "no answer in 15 s")
    assert inside.parse(["end"]) == Seen(frozenset())
