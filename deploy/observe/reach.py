"""Which addresses answer a host over HTTP: a HEAD request to each, none of them with a body."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

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


def parse(text: str) -> dict[str, int]:
    """Return each URL's status; 0 where nobody answered."""
    found = {}
    for line in text.splitlines():
        match line.split():
            case ["url", code, url] if (status := number(code)) is not None:
                found[url] = status
    if not found and "url" in text:
        raise UnreadableError("curl printed no status")
    return found


def answers(status: int) -> bool:
    """Say whether a status is a server's: 401 of a registry and 404 of a mirror's root are answers."""
    return 200 <= status < 500
