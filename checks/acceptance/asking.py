"""Asking a model over HTTP, from here: plain answers, and streamed ones with the time to the first token."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is reached; its key is shown to nobody."""

    address: str
    port: int
    key: str | None = field(default=None, repr=False)

    def get(self, path: str) -> Answer:
        """Return the answer for a path."""
        return self._answer("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        """Return the answer to a question."""
        return self._answer("POST", path, body)

    def stream(self, path: str, body: dict[str, Any]) -> Streamed:
        """Ask for a streamed answer and read it as it comes."""
        connection = HTTPConnection(self.address, self.port, timeout=CALL)
        started = time.monotonic()
        try:
            answer = self._asked(connection, "POST", path, {**body, "stream": True})
            if answer.status != 200:
                return Streamed(cause=f"status {answer.status}")
            return _read(answer, started)
        except (OSError, HTTPException) as error:
            return Streamed(cause=str(error) or type(error).__name__)
        finally:
            connection.close()

    def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        connection = HTTPConnection(self.address, self.port, timeout=CALL)
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
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return connection.getresponse()


def _read(answer: HTTPResponse, started: float) -> Streamed:
    first, pieces, ended = None, 0, False
    for piece in _pieces(answer):
        if piece == "[DONE]":
            ended = True
            break
        if (fault := _fault(piece)) is not None:
            return Streamed(first, time.monotonic() - started, pieces, cause=fault)
        first = time.monotonic() - started if first is None else first
        pieces += 1
    return Streamed(first, time.monotonic() - started, pieces, ended)


def _fault(piece: str) -> str | None:
    """Return what an event says went wrong; a server that has begun with status 200 has no other way."""
    try:
        found = json.loads(piece)
    except ValueError:
        return f"the stream had {piece[:80]!r} in it"
    if not isinstance(found, dict) or found.get("error"):
        return f"the stream had an error in it: {piece[:200]}"
    return None


def _pieces(answer: HTTPResponse) -> Iterator[str]:
    """Yield the data of server-sent events."""
    while line := answer.readline():
        text = line.decode(errors="replace").strip()
        if text.startswith("data:"):
            yield text.removeprefix("data:").strip()
