"""A server on loopback that speaks as much of OpenAI's API as a client meets, in the ways it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.server import StreamServer

import deploy.cli  # noqa: F401 - gevent's patches

KEY = "sk-secret-of-the-test"
MODEL = "tiny"


@dataclass(frozen=True)
class Behaviour:
    """How a completion is answered."""

    status: int = 200
    body: str = ""
    first: float = 0.0
    gap: float = 0.0
    tokens: int = 4
    per_piece: int = 1
    usage: bool = True
    break_after: int | None = None
    error_after: int | None = None
    done: bool = True


@dataclass
class Fake:
    """A running server; `asked` are the bodies of completions, `behave` takes their number from 0."""

    behave: Callable[[int], Behaviour]
    key: str | None = KEY
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    url: str = ""

    def handle(self, sock: Any, _: Any) -> None:
        with sock.makefile("rb") as file:
            head = list(iter(lambda: file.readline().strip(), b""))
            if not head:
                return  # a client that is gone before it asked
            request, *lines = (line.decode() for line in head)
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            body = file.read(int(headers.get("content-length", 0)))
        path = request.split()[1]
        self.paths.append(path)
        self.hosts.add(headers.get("host", ""))
        try:
            self._answer(sock, path, headers, body)
        except OSError:
            return  # the client is gone
        finally:
            sock.close()

    def _answer(self, sock: Any, path: str, headers: dict[str, str], body: bytes) -> None:
        if self.key and headers.get("authorization") != f"Bearer {self.key}":
            return plain(sock, 401, json.dumps({"error": "Unauthorized"}))
        if path.endswith("/models"):
            return plain(sock, 200, json.dumps({"data": [{"id": MODEL}]}))
        self.asked.append(json.loads(body))
        behaviour = self.behave(len(self.asked) - 1)
        if behaviour.status != 200:
            return plain(sock, behaviour.status, behaviour.body)
        chat = path.endswith("/chat/completions")
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for event in events(behaviour, chat=chat):
            if event is None:
                return None
            data = f"data: {event}\n\n".encode()
            sock.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        return sock.sendall(b"0\r\n\r\n")


def plain(sock: Any, status: int, body: str) -> None:
    sock.sendall(f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


def events(how: Behaviour, *, chat: bool) -> Iterator[str | None]:
    """Yield the events; None breaks the connection off."""

    def choice(text: str, finish: str | None = None, **delta: str) -> str:
        said = {"delta": {**delta, "content": text}} if chat else {"text": text}
        return json.dumps({"choices": [{"index": 0, "finish_reason": finish, **said}]})

    if chat:
        yield choice("", role="assistant")
    gevent.sleep(how.first)
    for number in range(0, how.tokens, how.per_piece):
        if how.break_after is not None and number >= how.break_after:
            yield None
        if how.error_after is not None and number >= how.error_after:
            yield json.dumps({"error": {"message": "the engine died", "code": 500}})
            return
        last = number + how.per_piece >= how.tokens
        yield choice("word ", "length" if last and how.done else None)
        gevent.sleep(0 if last else how.gap)
    if how.usage:
        yield json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": how.tokens}})
    if how.done:
        yield "[DONE]"


@contextmanager
def serving(behave: Callable[[int], Behaviour] | Behaviour, key: str | None = KEY) -> Iterator[Fake]:
    """Serve on a loopback port."""
    fake = Fake(behave if callable(behave) else lambda _: behave, key)
    server = StreamServer(("127.0.0.1", 0), fake.handle)
    server.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.stop(timeout=0.2)
