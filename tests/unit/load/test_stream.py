from __future__ import annotations

import json

import pytest

from deploy.load.stream import Events, Piece, complaint, piece


def chunk(delta: dict[str, object], finish: str | None = None) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None})


def test_events_are_whole_however_the_bytes_were_cut() -> None:
    stream = b'data: {"a": 1}\r\n\r\n: a comment\nevent: x\ndata: {"b": "\xc3\xa9"}\n\ndata: [DONE]\n\n'
    for size in (1, 3, 1000):
        events = Events()
        found = [
            each
            for place in range(0, len(stream), size)
            for each in events.feed(stream[place : place + size])
        ]
        assert found == ['{"a": 1}', '{"b": "é"}', "[DONE]"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("[DONE]", Piece(finished=True)),
        (chunk({"role": "assistant", "content": ""}), Piece()),
        (chunk({"role": "assistant", "content": "Hi"}), Piece(token=True)),
        (chunk({"content": "Hi"}), Piece(token=True)),
        (chunk({"content": ""}), Piece(token=True)),
        (chunk({"reasoning_content": "Hm"}), Piece(token=True)),
        (chunk({"tool_calls": [{"index": 0}]}), Piece(token=True)),
        (chunk({}, "stop"), Piece(finished=True)),
        (chunk({"content": ""}, "length"), Piece(token=True, finished=True)),
        (chunk({"content": "!"}, "length"), Piece(token=True, finished=True)),
        (json.dumps({"choices": [{"text": "Hi", "finish_reason": None}]}), Piece(token=True)),
        (
            json.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}),
            Piece(tokens=5, prompt_tokens=3),
        ),
        (json.dumps({"error": {"message": "the engine died"}}), Piece(error="the engine died")),
        (json.dumps({"error": "out of memory"}), Piece(error="out of memory")),
    ],
)
def test_an_event_says_whether_a_token_came(data: str, expected: Piece) -> None:
    assert piece(data) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"message": "too long", "type": "BadRequestError"}}', "too long"),
        (b'{"error": "Unauthorized"}', "Unauthorized"),
        (b'{"detail": "Not Found"}', "Not Found"),
        (b"<html>\n  <h1>Bad Gateway</h1>\n</html>", "<html> <h1>Bad Gateway</h1> </html>"),
        (b"", ""),
        (b"x" * 500, "x" * 200),
    ],
)
def test_what_a_server_complains_of_is_one_line(body: bytes, expected: str) -> None:
    assert complaint(body) == expected
