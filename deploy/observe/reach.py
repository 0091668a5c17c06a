"""Which addresses answer a host over HTTP: a HEAD request to each, none of them with a body."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError, number

SECONDS = 4


def command(urls: Sequence[str]) -> str:
    """Return what asks every URL at once; 000 is no answer."""
    asked = " ".join(shlex.quote(url) for url in urls)
    return f"""
command -v curl >/dev/null || exit 127
echo "proxy ${{https_proxy:-${{HTTPS_PROXY:-${{http_proxy:-${{HTTP_PROXY:-}}}}}}}}"
echo "noproxy ${{no_proxy:-${{NO_PROXY:-}}}}"
for u in {asked}; do
  curl -sIo /dev/null -m {SECONDS} -w "url %{{http_code}} $u\\n" "$u" &
done
wait
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """The status of each URL, 0 where nobody answered; the environment's proxy, and what goes past it."""

    statuses: dict[str, int]
    proxy: str | None = None
    past: tuple[str, ...] = ()

    @property
    def silent(self) -> tuple[str, ...]:
        """The URLs that nobody answered; 401 of a registry and 404 of a mirror's root are answers."""
        return tuple(sorted(url for url, status in self.statuses.items() if not 200 <= status < 500))


def parse(text: str) -> Reach:
    """Read the tagged lines."""
    statuses: dict[str, int] = {}
    proxy: str | None = None
    past = ""
    for line in text.splitlines():
        match line.split():
            case ["url", code, url] if (status := number(code)) is not None:
                statuses[url] = status
            case ["proxy", proxy]:
                pass
            case ["noproxy", past]:
                pass
    if not statuses:
        raise UnreadableError("curl printed no status")
    return Reach(statuses, proxy, tuple(part for part in past.split(",") if part))
