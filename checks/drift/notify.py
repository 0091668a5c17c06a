"""Telling somebody, once, when the state has changed: a command, and an address to post to."""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from checks.drift.compare import news
from checks.report import Report, render
from deploy.errors import InventoryError

PATIENCE = 30.0  # seconds for a hook


def message(report: Report) -> dict[str, object] | None:
    """Return what is told: `text` for people and chats, the rest for machines; None for no news."""
    new, gone = news(report)
    if not new and not gone:
        return None
    return {
        "text": f"{report.cluster}: {len(new)} new, {len(gone)} gone\n{render(report, 'short', width=100)}",
        "cluster": report.cluster,
        "run": report.run,
        "exit": int(report.exit_code()),
        "new": [{"check": check, "host": host} for check, host in new],
        "gone": [{"check": each.check, "host": each.host} for each in gone],
    }


def tell(report: Report, command: str | None, webhook: Path | None) -> list[str]:
    """Tell the news to whoever is named, and return what went wrong with that."""
    told = message(report)
    if told is None:
        return []
    hooks: list[tuple[str, Callable[[str], None]]] = []
    if command is not None:
        hooks.append((f"command {shlex.split(command)[0]}", lambda body: _run(command, body)))
    if webhook is not None:
        hooks.append((f"webhook of {webhook}", lambda body: _post(address(webhook), body)))
    return [wrong for name, hook in hooks if (wrong := _tried(name, hook, json.dumps(told)))]


def address(path: Path) -> str:
    """Return the address that a file holds; it is a secret, so it is never shown."""
    try:
        text = path.read_text().strip()
    except OSError as error:
        raise InventoryError(f"{path}: the webhook's address could not be read: {error.strerror}") from None
    if not text.startswith(("https://", "http://")):
        raise InventoryError(f"{path} must hold one http:// or https:// address and nothing else")
    return text


def _tried(name: str, hook: Callable[[str], None], body: str) -> str:
    try:
        hook(body)
    except (OSError, subprocess.SubprocessError, urllib.error.URLError) as error:
        return f"nobody was told by the {name}: {type(error).__name__}"
    return ""


def _run(command: str, body: str) -> None:
    subprocess.run(shlex.split(command), input=body, text=True, check=True, timeout=PATIENCE)


def _post(url: str, body: str) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "slipway"}
    request = urllib.request.Request(url, body.encode(), headers)  # noqa: S310 - address() allows http(s) only
    with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310 - as above
        return
