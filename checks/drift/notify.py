"""Telling somebody, once, when the state has changed: by a command, and by an address to post to."""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Hook:
    """A way to tell somebody; `key` says in the ledger whom, as another command has another listener.

    `ready` gives what takes the news, or raises where there is nobody to take it.
    """

    kind: str
    name: str
    key: str
    ready: Callable[[], Callable[[str], None]]


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
    hooks, told = [*_hooks(command, webhook)], _read(ledger)
    failed, wrong = {each.kind: False for each in hooks}, []
    for each in hooks:
        # older releases kept one list for all commands, which is what the first of them was told
        before = told[each.key] if each.key in told else told.pop(each.kind, {})
        found = news(report, before)
        if said := _tried(each, json.dumps(message(report, found)) if found else None):
            failed[each.kind] = True
            wrong.append(said)
            told[each.key] = before
        else:
            told[each.key] = found.known
    if hooks:
        wrong += _kept(ledger, told)
    return Telling(failed, wrong)


def _hooks(command: str | None, webhook: Path | None) -> Iterator[Hook]:
    if command is not None:
        name = f"command {shlex.split(command)[0]}"
        yield Hook("command", name, f"command {command}", lambda: partial(_run, command))
    if webhook is not None:
        name, key = f"webhook of {webhook}", f"webhook of {webhook.resolve()}"
        yield Hook("webhook", name, key, lambda: partial(_post, address(webhook)))


def _read(ledger: Path) -> dict[str, Told]:
    """Return what each was told; one that is not there or is damaged was told nothing, and is told all."""
    try:
        data = json.loads(ledger.read_text())
        return {
            who: {(each["check"], each["host"]): each["said"] for each in known}
            for who, known in data.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _kept(ledger: Path, told: Mapping[str, Told]) -> list[str]:
    data = {
        who: [{"check": check, "host": host, "said": said} for (check, host), said in known.items()]
        for who, known in told.items()
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


def _tried(hook: Hook, body: str | None) -> str:
    """Return why nobody was told; without a body, why nobody could be."""
    try:
        take = hook.ready()
        if body is not None:
            take(body)
    except InventoryError as error:
        return f"nobody was told by the {hook.name}: {error}"
    except (OSError, subprocess.SubprocessError, HTTPException, ValueError) as error:
        return f"nobody was told by the {hook.name}: {_why(error)}"
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
