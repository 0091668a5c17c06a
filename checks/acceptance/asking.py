"""Asking a model over HTTP, from here: plain answers, and streamed ones with the time to the first token."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Protocol

CALL = 60.0  # seconds; a model without a GPU takes some for a few tokens
KEPT = 1 << 20  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: a status and a body, or why there was no answer."""

    status: int | None = None
    text: str = ""
    cause: str = ""

    def data(self) -> dict[str, Any]:
        """Return the body as JSON; empty when it is none."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def said(self) -> str:
        """The status, or why there is none."""
        return self.cause or f"status {self.status}"


@dataclass(frozen=True, slots=True)
class Streamed:
    """A streamed answer: seconds to its first piece and to its end, how many pieces, whether it was ended."""

    first: float | None = None
    whole: float | None = None
    pieces: int = 0
    ended: bool = False
    cause: str = ""


class Asked(Protocol):
    """A model that answers, wherever it is asked from."""

    @property
    def address(self) -> str:
        """Where it is asked, for people."""

    def with_key(self, key: str | None) -> Asked:
        """Return the same place, asked with another key."""

    def get(self, path: str) -> Answer:
        """Return the answer for a path."""

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        """Return the answer to a question."""

    def stream(self, path: str, body: dict[str, Any]) -> Streamed:
        """Ask for a streamed answer and read it as it comes."""


def shown(ip: str, port: int, name: str | None) -> str:
    """Return how a place is told of: one that is asked by a name with that, and with its port."""
    return ip if name is None else f"{ip}:{port} as {name}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is reached from here, `name` as the host that is asked; its key is shown to nobody."""

    ip: str
    port: int
    key: str | None = field(default=None, repr=False)
    name: str | None = None

    @property
    def address(self) -> str:
        """What is asked."""
        return shown(self.ip, self.port, self.name)

    def with_key(self, key: str | None) -> Endpoint:
        """Return the same place, asked with another key."""
        return replace(self, key=key)

    def get(self, path: str) -> Answer:
        """Return the answer for a path."""
        return self._answer("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        """Return the answer to a question."""
        return self._answer("POST", path, body)

    def stream(self, path: str, body: dict[str, Any]) -> Streamed:
        """Ask for a streamed answer and read it as it comes."""
        connection = HTTPConnection(self.ip, self.port, timeout=CALL)
        started = time.monotonic()
        try:
            answer = self._asked(connection, "POST", path, {**body, "stream": True})
            if answer.status != 200:
                return Streamed(cause=f"status {answer.status}")
            return read(_pieces(answer), started)
        except (OSError, HTTPException) as error:
            return Streamed(cause=str(error) or type(error).__name__)
        finally:
            connection.close()

    def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        connection = HTTPConnection(self.ip, self.port, timeout=CALL)
        try:
            answer = self._asked(connection, method, path, body)
            return Answer(answer.status, answer.read(KEPT).decode(errors="replace"))
        except (OSError, HTTPException) as error:
            return Answer(cause=str(error) or type(error).__name__)
        finally:
            connection.close()

    def _asked(
        self, connection: HTTPConnection, method: str, path: str, body: dict[str, Any] | None
    ) -> HTTPResponse:
        headers = {"Content-Type": "application/json"}
        if self.name is not None:
            headers["Host"] = self.name
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return connection.getresponse()


def read(events: Iterable[tuple[float, str]], started: float) -> Streamed:
    """Return what a stream came to; its events have the times at which they came, in seconds."""
    first, whole, pieces, ended = None, 0.0, 0, False
    for at, piece in events:
        whole = at - started
        if piece == "[DONE]":
            ended = True
            break
        if (fault := _fault(piece)) is not None:
            return Streamed(first, whole, pieces, cause=fault)
        first = whole if first is None else first
        pieces += 1
    return Streamed(first, whole, pieces, ended)


def _fault(piece: str) -> str | None:
    """Return what an event says went wrong; a server that has begun with status 200 has no other way."""
    try:
        found = json.loads(piece)
    except ValueError:
        return f"the stream had {piece[:80]!r} in it"
    if not isinstance(found, dict) or found.get("error"):
        return f"the stream had an error in it: {piece[:200]}"
    return None


def _pieces(answer: HTTPResponse) -> Iterator[tuple[float, str]]:
    """Yield the data of server-sent events, each with its time."""
    while line := answer.readline():
        if (piece := data_of(line.decode(errors="replace"))) is not None:
            yield time.monotonic(), piece


def data_of(line: str) -> str | None:
    """Return the data of a line of server-sent events; None when it has none."""
    text = line.strip()
    return text.removeprefix("data:").strip() if text.startswith("data:") else None
