"""Asking a model from a node of its cluster, by curl there, which reaches what nothing exposes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checks.acceptance.asking import CALL, Answer, Streamed, data_of, read, shown
from checks.acceptance.hands import Hands
from deploy.errors import UnreachableError

CURL = ("curl", "-sS", "--noproxy", "*", "--connect-timeout", "5", "--max-time", f"{CALL:.0f}")
STATUS = r"\n%{http_code}\n"
# each line as it comes, behind the second that it came in; the first line is the beginning
TIMED = r"""date +%s.%N
{curl} | while IFS= read -r line; do printf '%s %s\n' "$(date +%s.%N)" "$line"; done"""


@dataclass(frozen=True, slots=True)
class Inside:
    """Where a node reaches a model, `name` as the host that is asked.

    Its key is shown to nobody, and goes by standard input.
    """

    hands: Hands
    host: str
    ip: str
    port: int
    key: str | None = field(default=None, repr=False)
    name: str | None = None

    @property
    def address(self) -> str:
        """What is asked, and from where."""
        return f"{shown(self.ip, self.port, self.name)} from {self.host}"

    def with_key(self, key: str | None) -> Inside:
        """Return the same place, asked with another key."""
        return replace(self, key=key)

    def get(self, path: str) -> Answer:
        """Return the answer for a path."""
        return self._answer(path, None)

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        """Return the answer to a question."""
        return self._answer(path, body)

    def stream(self, path: str, body: dict[str, Any]) -> Streamed:
        """Ask for a streamed answer, whose lines get their times on the node."""
        ran = self._ran(TIMED.replace("{curl}", self._curl(path, {**body, "stream": True}, "-N")))
        if isinstance(ran, str):
            return Streamed(cause=ran)
        started, *lines = ran[0].splitlines() or [""]
        status = lines[-1].partition(" ")[2] if lines else ""
        if status != "200":
            return Streamed(cause=_cause(ran[1], status))
        return read(_timed(lines), float(started))

    def _answer(self, path: str, body: dict[str, Any] | None) -> Answer:
        ran = self._ran(self._curl(path, body))
        if isinstance(ran, str):
            return Answer(cause=ran)
        text, _, status = ran[0].removesuffix("\n").rpartition("\n")
        if not status.isdigit() or status == "000":
            return Answer(cause=_cause(ran[1], status))
        return Answer(int(status), text)

    def _curl(self, path: str, body: dict[str, Any] | None, *more: str) -> str:
        key = ("-H", "@-") if self.key is not None else ()
        asked = ("--data-raw", json.dumps(body)) if body is not None else ()
        name = ("-H", f"Host: {self.name}") if self.name is not None else ()
        kind = ("-H", "Content-Type: application/json")
        url = f"http://{self.ip}:{self.port}{path}"
        return shlex.join([*CURL, *more, *key, *name, *kind, *asked, "-w", STATUS, url])

    def _ran(self, command: str) -> tuple[str, str] | str:
        """Return what was printed and what was complained of; a text alone when the node is not reached."""
        header = None if self.key is None else f"Authorization: Bearer {self.key}\n"
        try:
            ran = self.hands.run(self.host, command, stdin=header, timeout=CALL + 10)
        except UnreachableError as error:
            return str(error)
        return ran.out, ran.err


def _cause(complaint: str, status: str) -> str:
    """Return why there is no good answer, in curl's words where it has some."""
    said = f"status {status}" if status.isdigit() and status != "000" else "curl said nothing"
    return complaint.strip() or said


def _timed(lines: Sequence[str]) -> Iterator[tuple[float, str]]:
    """Yield the data of server-sent events, each with its time."""
    for line in lines:
        at, _, text = line.partition(" ")
        if (piece := data_of(text)) is not None:
            yield float(at), piece
