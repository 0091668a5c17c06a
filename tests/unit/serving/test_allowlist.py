"""What stands before a model's server: run as vLLM runs it, with a server of one's own behind it."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import pytest

from deploy import render

NOT_FOUND = [
    {
        "type": "http.response.start",
        "status": 404,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"22")],
    },
    {"type": "http.response.body", "body": b'{"error": "Not Found"}'},
]
PIECES = [{"type": "http.response.body", "body": bytes([each]), "more_body": True} for each in b"abc"]


def answered(scope: dict[str, Any]) -> list[Any]:
    """Return what is sent for a scope; what is let through gets three pieces, each sent as it is."""
    module = ModuleType("slipway_allowlist")
    exec(render.file("serving/slipway_allowlist.py"), module.__dict__)  # noqa: S102 - what is shipped
    sent: list[Any] = []

    async def server(got: Any, receive: Any, send: Any) -> None:
        assert (got, await receive()) == (scope, "received")
        for piece in PIECES:
            await send(piece)

    async def receive() -> Any:
        return "received"

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(module.Allowlist(server)(scope, receive, send))
    return sent


@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/health", "/metrics", "/metrics/"])
def test_what_asks_for_the_key_and_what_is_read_by_probes_goes_through_untouched(path: str) -> None:
    assert answered({"type": "http", "path": path, "root_path": ""}) == PIECES


@pytest.mark.parametrize(
    "path",
    [
        *("/invocations", "/tokenize", "/pause", "/update_weights", "/collective_rpc", "/ping", "/version"),
        *(
            "/",
            "",
            "/v1",
            "/v10/models",
            "/V1/models",
            "//v1/models",
            "/x/v1/models",
            "/health/x",
            "/metricsx",
        ),
    ],
)
def test_every_other_path_is_not_there(path: str) -> None:
    assert answered({"type": "http", "path": path}) == NOT_FOUND


@pytest.mark.parametrize(
    ("root", "path", "good"),
    [
        ("/llm", "/llm/v1/models", True),
        ("/llm", "/v1/models", True),
        ("/llm", "/llm/invocations", False),
        # vLLM would ask for no key, and route to /invocations or /v1/models
        ("/v1", "/v1/invocations", False),
        ("/v", "/v1/models", False),
    ],
)
def test_a_path_below_a_root_is_looked_at_as_vllm_does(root: str, path: str, good: bool) -> None:
    assert answered({"type": "http", "path": path, "root_path": root}) == (PIECES if good else NOT_FOUND)


def test_a_websocket_is_closed_before_it_is_open() -> None:
    assert answered({"type": "websocket", "path": "/x"}) == [{"type": "websocket.close", "code": 1008}]
    assert answered({"type": "websocket", "path": "/v1/realtime"}) == PIECES


def test_start_and_end_of_the_server_go_through() -> None:
    assert answered({"type": "lifespan"}) == PIECES
