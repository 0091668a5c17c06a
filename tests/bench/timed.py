"""A command as a user runs it: wall seconds, the processor's seconds, the most memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Row = tuple[str, str, str]
Spread = tuple[float, float, float]  # least, median and most


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds on the wall, seconds of this machine's processor, MiB at most."""

    wall: float
    cpu: float
    memory: float
    output: str


def timed(command: Sequence[str | Path], environment: dict[str, str], *, codes: Sequence[int] = (0,)) -> Run:
    """Run a command; a code that is not expected ends the benchmark with what it said.

    The processor's seconds are those of the command itself and what it started here, and not the hosts',
    also where these share the machine.
    """
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


def several(once: Callable[[], Run], times: int = 5) -> tuple[Spread, float]:
    """Return the least, the median and the most wall seconds of some runs, and the most MiB of any."""
    runs = [once() for _ in range(times)]
    return spread([each.wall for each in runs]), max(each.memory for each in runs)


def spread(seconds: Sequence[float]) -> Spread:
    """Return least, median and most."""
    return min(seconds), statistics.median(seconds), max(seconds)


def shown(seconds: Spread) -> str:
    """Return a spread as a table's cell."""
    return " / ".join(f"{each:.2f}" for each in seconds)
