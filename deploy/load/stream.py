"""The event stream of a completion: pure parsers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

DONE = "[DONE]"
TEXTS = ("content", "reasoning_content", "reasoning", "text")  # where servers put what the model wrote


class Events:
    """Cuts a stream of bytes into the data of its events; every event is one `data:` line."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the events that are whole now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line[5:].strip().decode(errors="replace") for line in lines if line.startswith(b"data:")]


@dataclass(frozen=True, slots=True)
class Piece:
    """One event: whether it brings something of the answer, whether it ends it, and the server's counts."""

    token: bool = False
    finished: bool = False
    tokens: int | None = None
    prompt_tokens: int | None = None
    error: str = ""


def piece(data: str) -> Piece:
    """Return what an event says; raises ValueError when it is none of a completion's.

    The counts come last, in an event without choices (`stream_options.include_usage`) or with the last one.
    """
    if data == DONE:
        return Piece(finished=True)
    event = json.loads(data)
    if not isinstance(event, dict):
        raise TypeError(f"an event is a {type(event).__name__}")
    if event.get("error"):
        return Piece(error=_words(event["error"]))
    usage = event.get("usage") or {}
    choices = event.get("choices") or []
    return Piece(
        token=any(_brings_token(each) for each in choices),
        finished=any(each.get("finish_reason") for each in choices),
        tokens=usage.get("completion_tokens"),
        prompt_tokens=usage.get("prompt_tokens"),
    )


def _brings_token(choice: dict[str, Any]) -> bool:
    """Say whether a token came: a text, or an empty one that does not just open the answer.

    vLLM sends tokens that have no text of their own (special ones, parts of a character) as empty texts, the
    last one together with the reason why the answer ends.
    """
    delta = choice.get("delta", choice)
    if any(delta.get(key) for key in TEXTS) or delta.get("tool_calls"):
        return True
    return "role" not in delta and any(delta.get(key) == "" for key in TEXTS)


def _words(error: Any) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def complaint(body: bytes) -> str:
    """Return what a server says is wrong, in one line: its error's message, or the text itself."""
    text = body.decode(errors="replace")
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if isinstance(data, dict):
        text = _words(data.get("error") or data.get("detail") or data.get("message") or data)
    return " ".join(text.split())[:200]
