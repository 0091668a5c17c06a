"""A command as a user runs it: wall seconds, the processor's seconds, the most memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds on the wall, seconds of this machine's processor, MiB at most."""

    wall: float
    cpu: float
    memory: float
    output: str


def timed(command: Sequence[str | Path], environment: dict[str, str], *, codes: Sequence[int] = (0,)) -> Run:
    """Run a command; a code that is not expected ends the benchmark with what it said."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=os.environ | environment,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {process.returncode}\n{output}")
    cpu = usage.ru_utime + usage.ru_stime
    return Run(time.monotonic() - started, cpu, usage.ru_maxrss / 1024, output)


def several(once: Callable[[], Run], times: int = 5) -> tuple[float, float, float]:
    """Return the least, the median and the most wall seconds of some runs."""
    walls = [once().wall for _ in range(times)]
    return min(walls), statistics.median(walls), max(walls)
