"""The lines that ask a model, pasted into a shell as a person does."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from deploy.cli.question import question


def test_the_lines_ask_as_who_has_the_key_which_is_in_no_argument(tmp_path: Path) -> None:
    curl = tmp_path / "curl"
    curl.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/arguments\ncat >{tmp_path}/stdin\n')
    curl.chmod(0o755)
    name, *lines = question("it's", "10.0.0.200", "echo s3cret")

    subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=True,
        timeout=30,
    )

    *_, url, flag, body = (tmp_path / "arguments").read_text().splitlines()
    assert (name, url, flag) == ("it's:", "http://10.0.0.200/v1/chat/completions", "-d")
    assert json.loads(body) == {"model": "it's", "messages": [{"role": "user", "content": "Hello"}]}
    assert (tmp_path / "stdin").read_text() == "Authorization: Bearer s3cret"
    assert "s3cret" not in (tmp_path / "arguments").read_text()


def test_a_note_is_beside_the_name() -> None:
    assert question("tiny", "x", "y", "dummy weights")[0] == "tiny:  # dummy weights"
