"""Who is asked: the address, the key, and how a connection to it is made."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from deploy.errors import InventoryError


class Api(StrEnum):
    """Which of the two ways of asking is used."""

    CHAT = "chat"
    COMPLETIONS = "completions"

    @property
    def path(self) -> str:
        """Where it is, below /v1."""
        return "chat/completions" if self is Api.CHAT else "completions"


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint, with or without its `/v1`, and the model that is asked for; `repr` has no key.

    `name` is the host that is asked there, where that is not the address's.
    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    ca: Path | None = None
    name: str | None = None

    def connection(self) -> HTTPConnection:
        """Return a connection that is not open yet. Raises InventoryError when the CA can't be read."""
        parts = split(self.url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return HTTPConnection(host, port)
        return HTTPSConnection(host, port, context=self._context())

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise InventoryError(f"{self.ca}: these certificates cannot be used: {error}") from None

    def path(self, below: str) -> str:
        """Return the path of something below /v1."""
        return f"{split(self.url).path.rstrip('/').removesuffix('/v1')}/v1/{below}"

    def headers(self) -> Mapping[str, str]:
        """Return what every request carries; the connection is not used twice."""
        own = {"Content-Type": "application/json", "Connection": "close"}
        own |= {"Host": self.name} if self.name else {}
        return own if self.key is None else {**own, "Authorization": f"Bearer {self.key}"}

    def masked(self, text: str) -> str:
        """Return a text without the key: some servers say it back."""
        return text.replace(self.key, "*MASKED*") if self.key else text


def split(url: str) -> SplitResult:
    """Return the parts of an address; raises InventoryError when it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.query or parts.fragment:
        raise InventoryError(f"{url} is not an address of a server; wanted is http(s)://HOST[:PORT][/PATH]")
    return parts
