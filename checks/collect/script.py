"""Many readers as one read-only POSIX sh script, and its output taken apart again.

Each section runs in a shell of its own with a time and a size limit, so that none can spoil another. The fast
ones are tried in one shell first, which costs a third, and each by itself when that one comes to no end.
Slow ones run side by side: in `a | { b; exec cat; }` both run at once and the output still comes in order.
Nothing is written on the host. A mark that nobody can guess keeps a section's output from forging another.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploy.printable import printable

LIMIT = 64 * 1024  # bytes of one section, and what a pipe holds: a slow lane never waits for its reader
SECONDS = 5
TIMED_OUT = (124, 137, 143)
PROLOGUE = """
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL
command -v timeout >/dev/null 2>&1 || timeout() {{ shift 3; "$@"; }}
marks={marks}
eval "$marks"
s() {{
  begun "$1"
  {{
    timeout -k 1 "$2" sh -c "$3" </dev/null 2>/dev/null
    ended "$?"
  }} | head -c {limit}
}}
"""
MARKS = """
begun() {{ printf '\\n%s %s\\n' '{mark}' "$1"; }}
ended() {{ printf '\\n%s/ %s\\n' '{mark}' "$1"; }}
"""
FAST = """
said=$(timeout -k 1 {seconds} sh -c "$marks
{together}
echo '{mark}+'" </dev/null 2>/dev/null | head -c {limit})
case $said in
*'{mark}+') printf '%s\\n' "$said" ;;
*)
{one_by_one}
;;
esac
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A named command; the slow ones (network, D-Bus, big binaries) share no lane with anything."""

    name: str
    command: str
    slow: bool = False
    seconds: int = SECONDS


@dataclass(frozen=True, slots=True)
class Answer:
    """What a section printed and its exit status; None where the end is missing."""

    text: str
    rc: int | None

    @property
    def failure(self) -> str | None:
        """Say why there is nothing to read here; None when there is."""
        if self.rc is None:
            return f"the answer was longer than {LIMIT // 1024} KiB or broke off"
        if self.rc in TIMED_OUT:
            return "no answer in time"
        if self.rc == 127:
            return "the command that reads it is not installed"
        if self.rc != 0:
            return f"the command that reads it failed with {self.rc}"
        return None


def _call(section: Section) -> str:
    return f's {section.name} {section.seconds} "$c_{section.name}"'


def _fast(sections: Sequence[Section], mark: str) -> str:
    together = "\n".join(f"begun {each.name}; (\n$c_{each.name}\n); ended \\$?" for each in sections)
    one_by_one = "\n".join(map(_call, sections))
    return FAST.format(mark=mark, limit=LIMIT, seconds=SECONDS, together=together, one_by_one=one_by_one)


def script(sections: Iterable[Section], mark: str) -> str:
    """Return the script; `mark` is any word that no host can know beforehand."""
    chosen = tuple(sections)
    commands = "\n".join(f"c_{each.name}={shlex.quote(each.command)}" for each in chosen)
    fast = [each for each in chosen if not each.slow]
    lanes = _fast(fast, mark) if fast else ":"
    for section in (each for each in chosen if each.slow):
        lanes = f"{_call(section)} | {{\n{lanes}\nexec cat\n}}"
    prologue = PROLOGUE.format(marks=shlex.quote(MARKS.format(mark=mark)), limit=LIMIT)
    return f"{prologue}\n{commands}\n{lanes}\nprintf '\\n%s.\\n' '{mark}'\n"


def answers(output: str, mark: str) -> Mapping[str, Answer]:
    """Take a script's output apart: what each section printed, by name."""
    parts = re.split(rf"^{re.escape(mark)} (\S+)$", output, flags=re.MULTILINE)
    found = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=False):
        text, ended, rest = body.partition(f"\n{mark}/ ")
        status = rest.split("\n", 1)[0]
        known = ended and status.isascii() and status.isdigit() and len(status) < 4
        found[name] = Answer(printable(text).strip("\n"), int(status) if known else None)
    return found


def whole(output: str, mark: str) -> bool:
    """Say whether the script ran to its end."""
    return output.rstrip().endswith(f"{mark}.")
