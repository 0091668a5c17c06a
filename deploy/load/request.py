"""One streamed request, from its intended start to its last byte."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead

import gevent

from deploy.load.sample import Sample
from deploy.load.stream import Events, Piece, complaint, piece
from deploy.load.target import Target

Clock = Callable[[], float]
NO_CONNECTION = "no connection"
NO_ANSWER = "no answer"
BROKEN = "stream broke off"
MALFORMED = "not a completion's stream"
IN_STREAM = "error in the stream"
TIMEOUT = "timeout"
EMPTY = "no token"
READ = 65536
FEW = 4096  # bytes of an error's text


class FaultError(Exception):
    """A request that failed: what kind of failure, and what was said."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(said)
        self.kind = kind


@dataclass(slots=True)
class Tally:
    """What has come of an answer so far."""

    first: float | None = None
    last: float | None = None
    pause: float | None = None
    tokens: int | None = None
    prompt_tokens: int | None = None
    finished: bool = False

    def take(self, found: Piece, now: float) -> None:
        """Count an event in."""
        self.finished = self.finished or found.finished
        self.tokens = self.tokens if found.tokens is None else found.tokens
        self.prompt_tokens = self.prompt_tokens if found.prompt_tokens is None else found.prompt_tokens
        if not found.token:
            return
        if self.last is not None:
            self.pause = max(self.pause or 0.0, now - self.last)
        self.first = now if self.first is None else self.first
        self.last = now


def ask(
    target: Target, path: str, body: bytes, intended: float, limit: float, clock: Clock = time.monotonic
) -> Sample:
    """Ask, and return what was met; never raises for what a server does. `limit` counts from `intended`.

    A connection is made for every request, as users who don't know of each other do, and is part of its time.
    """
    sent, tally = clock(), Tally()
    fault = said = ""
    try:
        with gevent.Timeout(max(intended + limit - sent, 0.001)):
            _streamed(target, path, body, tally, clock)
    except gevent.Timeout:
        fault, said = TIMEOUT, f"not over after {limit:g} s"
    except FaultError as error:
        fault, said = error.kind, target.masked(str(error))
    return Sample(
        intended,
        sent,
        end=clock(),
        first=tally.first,
        last=tally.last,
        pause=tally.pause,
        tokens=tally.tokens,
        prompt_tokens=tally.prompt_tokens,
        fault=fault,
        said=said,
    )


def listed(target: Target, limit: float) -> tuple[str, ...]:
    """Return the models that the server says it has. Raises FaultError."""
    connection = target.connection()
    try:
        with gevent.Timeout(limit):
            body = _answered(connection, "GET", target.path("models"), target).read()
        return tuple(str(each["id"]) for each in json.loads(body)["data"])
    except gevent.Timeout:
        raise FaultError(TIMEOUT, f"nothing came within {limit:g} s") from None
    except (ValueError, KeyError, TypeError):
        raise FaultError(MALFORMED, f"{target.path('models')} is no list of models") from None
    except (OSError, HTTPException) as error:
        raise FaultError(BROKEN, _words(error)) from None
    finally:
        connection.close()


def _streamed(target: Target, path: str, body: bytes, tally: Tally, clock: Clock) -> None:
    connection = target.connection()
    try:
        _read(_answered(connection, "POST", target.path(path), target, body), tally, clock)
    finally:
        connection.close()
    if tally.tokens == 0 or (tally.first is None and not tally.tokens):
        raise FaultError(EMPTY, "the answer was over without a token")
    if tally.first is None:  # tokens without any text: all that is known is when they were over
        tally.first = tally.last = clock()


def _answered(
    connection: HTTPConnection, method: str, path: str, target: Target, body: bytes | None = None
) -> HTTPResponse:
    """Return an answer that is good so far."""
    try:
        connection.connect()
    except OSError as error:
        raise FaultError(NO_CONNECTION, _words(error)) from None
    try:
        connection.request(method, path, body, dict(target.headers()))
        answer = connection.getresponse()
        if answer.status != HTTPStatus.OK:
            raise FaultError(f"HTTP {answer.status}", complaint(answer.read(FEW)) or answer.reason)
    except (OSError, HTTPException) as error:
        raise FaultError(NO_ANSWER, _words(error)) from None
    return answer


def _read(answer: HTTPResponse, tally: Tally, clock: Clock) -> None:
    """Count the stream in as it comes; one that ends before the answer does is a fault."""
    events = Events()
    try:
        while data := answer.read1(READ):
            now = clock()
            for event in events.feed(data):
                found = piece(event)
                if found.error:
                    raise FaultError(IN_STREAM, found.error)
                tally.take(found, now)
    except (ValueError, TypeError, AttributeError) as error:
        raise FaultError(MALFORMED, _words(error)) from None
    except IncompleteRead:
        raise FaultError(BROKEN, "the connection was closed in the middle of it") from None
    except (OSError, HTTPException) as error:
        raise FaultError(BROKEN, _words(error)) from None
    if not tally.finished:
        raise FaultError(BROKEN, "it ended before the answer did")


def _words(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or type(error).__name__
