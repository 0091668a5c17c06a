"""What vLLM serves on its port: the paths that ask for its key, and what probes and scrapers read.

vLLM asks for a key under a few prefixes only; /invocations, /tokenize, /pause, /update_weights and others are
open to everybody who reaches the port (vLLM's docs/usage/security.md). Imported by `vllm serve --middleware`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

KEYED = "/v1/"
OPEN = frozenset({"/health", "/metrics", "/metrics/"})
REFUSED = b'{"error": "Not Found"}'
POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1


class Allowlist:
    """Answers 404 for every other path; what it lets through it does not touch, so that answers stream."""

    def __init__(self, app: App) -> None:
        """Stand before the whole server: vLLM adds what --middleware names last."""
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, connection or event (ASGI 3.0)."""
        if scope["type"] not in ("http", "websocket") or _is_allowed(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(REFUSED))]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSED})


def _is_allowed(scope: Message) -> bool:
    """Look at the path as vLLM does where it decides about the key (serve/middleware/authenticate.py)."""
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    return path.startswith(KEYED) or path in OPEN
