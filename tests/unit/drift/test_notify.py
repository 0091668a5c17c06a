"""Somebody is told by a command and by a webhook, whose address is a secret."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from test_compare import SWAP, night

from checks.drift.compare import compared
from checks.drift.notify import address, tell
from deploy.errors import InventoryError

REPORT = compared(night(1, SWAP), compared(night(0), None))
QUIET = compared(night(1), compared(night(0), None))
COPY = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"w\").write(sys.stdin.read())' "


@pytest.fixture
def posted() -> Iterator[tuple[str, list[bytes]]]:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(500 if self.path == "/broken" else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


def test_a_command_gets_the_news_on_its_input(tmp_path: Path) -> None:
    assert tell(REPORT, f"{COPY}{tmp_path / 'told'}", None) == []
    assert json.loads((tmp_path / "told").read_text())["new"] == [{"check": "HOST-03", "host": "w1"}]


def test_no_news_tells_nobody(tmp_path: Path) -> None:
    assert tell(QUIET, f"{COPY}{tmp_path / 'told'}", None) == []
    assert not (tmp_path / "told").exists()


def test_a_command_that_fails_is_said_and_ends_nothing() -> None:
    assert tell(REPORT, "false", None) == ["nobody was told by the command false: CalledProcessError"]


def test_a_webhook_gets_the_same(tmp_path: Path, posted: tuple[str, list[bytes]]) -> None:
    url, bodies = posted
    secret = tmp_path / "webhook"
    secret.write_text(f"{url}/hook?token=s3cret\n")

    assert tell(REPORT, None, secret) == []
    assert json.loads(bodies[0])["cluster"] == "homelab"


def test_a_webhook_that_fails_is_named_by_its_file_and_not_by_its_address(
    tmp_path: Path, posted: tuple[str, list[bytes]]
) -> None:
    secret = tmp_path / "webhook"
    secret.write_text(f"{posted[0]}/broken")

    assert tell(REPORT, None, secret) == [f"nobody was told by the webhook of {secret}: HTTPError"]


def test_what_is_no_address_is_refused_without_showing_it(tmp_path: Path) -> None:
    secret = tmp_path / "webhook"
    secret.write_text("file:///etc/shadow")

    with pytest.raises(InventoryError) as caught:
        address(secret)

    assert str(caught.value) == f"{secret} must hold one http:// or https:// address and nothing else"
