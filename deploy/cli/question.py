"""What a person types to ask a model, wherever it runs: its key is read by a command, never an argument."""

from __future__ import annotations

import json
import shlex


def question(model: str, address: str, key: str, note: str = "", name: str | None = None) -> list[str]:
    """Return the lines: whom they ask, and two to paste; `key` is a command that prints the model's key.

    `name` is the host that is asked there, where the address does not tell it.
    """
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
    host = f" -H {shlex.quote(f'Host: {name}')}" if name else ""
    asked = f"curl -s -H @-{host} -H 'Content-Type: application/json' http://{address}/v1/chat/completions"
    return [
        f"{model}:{f'  # {note}' if note else ''}",
        f"  KEY=$({key})",
        f"  printf 'Authorization: Bearer %s' \"$KEY\" | {asked} -d {shlex.quote(body)}",
    ]
