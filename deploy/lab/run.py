"""Starting programs on the lab machine, and saying what they said when they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.lab.errors import LabError

TAIL = 20
"""Lines of a failed program's output that are shown."""


def run(
    command: Sequence[str],
    *,
    check: bool = True,
    stdin: str | bytes | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; with `check`, a failure is a `LabError` with the end of what it printed."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, input=given, cwd=cwd, env=env, timeout=timeout
        )
    except FileNotFoundError:
        raise LabError(f"{command[0]}: not installed here") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(command[:6])}: not finished after {timeout:.0f} s") from None
    text = subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
    if check and done.returncode:
        raise LabError(failure(command, text))
    return text


def failure(command: Sequence[str], done: subprocess.CompletedProcess[str]) -> str:
    """Return what an operator is told about a program that failed."""
    said = (done.stderr.strip() or done.stdout.strip() or "it printed nothing").splitlines()
    shown = "\n".join(f"    {line}" for line in said[-TAIL:])
    return f"{' '.join(command[:6])} ended with status {done.returncode}:\n{shown}"


def podman(*arguments: str, check: bool = True, stdin: str | bytes | None = None) -> str:
    """Run podman and return what it printed, stripped."""
    return run(["podman", *arguments], check=check, stdin=stdin).stdout.strip()
