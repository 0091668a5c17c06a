"""Telling somebody, once, when the state has changed: by a command, and by an address to post to."""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, InvalidURL
from pathlib import Path
from urllib.error import HTTPError, URLError

from checks.drift.news import News, Told, news
from checks.report import Report, render
from checks.report.history import write
from checks.report.report import Key
from deploy.errors import InventoryError, RunError

PATIENCE = 30.0  # seconds for a hook
STANDARD_ERROR = 2
Ready = Callable[[], Callable[[str], None]]
"""What gives a hook that takes the news, or raises where it has none."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What became of it: of each hook whether it failed, and what went wrong in words."""

    failed: Mapping[str, bool]
    wrong: Sequence[str]


def message(report: Report, news: News) -> dict[str, object]:
    """Return what is told: `text` for people and chats, the rest for machines."""
    sums = f"{len(news.new)} new, {len(news.changed)} changed, {len(news.gone)} gone"
    return {
        "text": f"{report.cluster}: {sums}\n{render(report, 'short', width=100)}",
        "cluster": report.cluster,
        "run": report.run,
        "exit": int(report.exit_code()),
        "new": _named(news.new),
        "changed": _named(news.changed),
        "gone": _named(news.gone),
    }


def _named(keys: Sequence[Key]) -> list[dict[str, str | None]]:
    return [{"check": check, "host": host} for check, host in keys]


def tell(report: Report, command: str | None, webhook: Path | None, ledger: Path) -> Telling:
    """Tell whoever is named what they do not know yet, and return what became of that.

    The file `ledger` says what each was told. Who could not be told is told the next time.
    """
    hooks: dict[str, tuple[str, Ready]] = {}
    if command is not None:
        hooks["command"] = f"command {shlex.split(command)[0]}", lambda: partial(_run, command)
    if webhook is not None:
        hooks["webhook"] = f"webhook of {webhook}", lambda: partial(_post, address(webhook))
    told = _read(ledger)
    failed, wrong = dict.fromkeys(hooks, False), []
    for kind, (name, ready) in hooks.items():
        found = news(report, told.get(kind, {}))
        if said := _tried(name, ready, json.dumps(message(report, found)) if found else None):
            failed[kind] = True
            wrong.append(said)
        else:
            told[kind] = found.known
    if hooks:
        wrong += _kept(ledger, told)
    return Telling(failed, wrong)


def _read(ledger: Path) -> dict[str, Told]:
    """Return what each was told; one that is not there or is damaged was told nothing, and is told all."""
    try:
        data = json.loads(ledger.read_text())
        return {
            kind: {(each["check"], each["host"]): each["said"] for each in known}
            for kind, known in data.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _kept(ledger: Path, told: Mapping[str, Told]) -> list[str]:
    data = {
        kind: [{"check": check, "host": host, "said": said} for (check, host), said in known.items()]
        for kind, known in told.items()
    }
    try:
        write(ledger, json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    except RunError as error:
        return [str(error)]
    return []


def address(path: Path) -> str:
    """Return the address that a file holds; it is a secret, so it is never shown."""
    try:
        text = path.read_text(errors="replace").strip()
    except OSError as error:
        raise InventoryError(f"{path}: the webhook's address could not be read: {error.strerror}") from None
    if not text.startswith(("https://", "http://")):
        raise InventoryError(f"{path} must hold one http:// or https:// address and nothing else")
    return text


def _tried(name: str, ready: Ready, body: str | None) -> str:
    """Return why nobody was told; without a body, why nobody could be."""
    try:
        hook = ready()
        if body is not None:
            hook(body)
    except InventoryError as error:
        return f"nobody was told by the {name}: {error}"
    except (OSError, subprocess.SubprocessError, HTTPException, ValueError) as error:
        return f"nobody was told by the {name}: {_why(error)}"
    return ""


def _why(error: Exception) -> str:
    """Say why a hook failed, without the webhook's address: whoever knows that may post there."""
    match error:
        case subprocess.CalledProcessError():
            return f"it ended with {error.returncode}"
        case subprocess.TimeoutExpired():
            return f"it took longer than {PATIENCE:g} s"
        case InvalidURL() | ValueError():
            return "what the file holds is no address that can be posted to"
        case HTTPError():
            return f"HTTP {error.code}"
        case URLError(reason=OSError() as reason):
            return reason.strerror or type(reason).__name__
        case OSError(strerror=str() as said):
            return said
    return type(error).__name__


def _run(command: str, body: str) -> None:
    """Run a command; what it says goes to standard error, as standard output is the report's alone."""
    subprocess.run(
        shlex.split(command), input=body, text=True, check=True, timeout=PATIENCE, stdout=STANDARD_ERROR
    )


def _post(url: str, body: str) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "slipway"}
    request = urllib.request.Request(url, body.encode(), headers)  # noqa: S310 - address() allows http(s) only
    with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310 - as above
        return
