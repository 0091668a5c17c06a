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
from checks.report import Report
from deploy.errors import InventoryError

REPORT = compared(night(1, SWAP), compared(night(0), None))
QUIET = compared(night(1), compared(night(0), None))
MENDED = compared(night(2), REPORT)
COPY = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"w\").write(sys.stdin.read())' "
NO_ADDRESS = "what the file holds is no address that can be posted to"
NO_ADDRESSES = ("https://127.0.0.1:port/", "http://127.0.0.1/a b", "https://[::1", "http://127.0.0.1:1/ü")


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


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "told.json"


def test_a_command_gets_the_news_on_its_input(tmp_path: Path, ledger: Path) -> None:
    assert tell(REPORT, f"{COPY}{tmp_path / 'told'}", None, ledger).wrong == []
    assert json.loads((tmp_path / "told").read_text()) == {
        "text": (
            "homelab: 1 new, 0 changed, 0 gone\n"
            "× w1: HOST-03 Swap is off  failed\n"
            "    since: this run\n"
            "    more: slipway explain HOST-03\n"
            "Status: × 1 error, 1 passed in 3.0 s\n"
        ),
        "cluster": "homelab",
        "run": "20261102T031700Z-0000",
        "exit": 3,
        "new": [{"check": "HOST-03", "host": "w1"}],
        "changed": [],
        "gone": [],
    }


def test_what_a_command_says_is_no_part_of_the_report(
    ledger: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert tell(REPORT, "sh -c 'cat > /dev/null; echo sent'", None, ledger).wrong == []
    assert capfd.readouterr() == ("", "sent\n")


def test_no_news_tells_nobody(tmp_path: Path, ledger: Path) -> None:
    assert tell(QUIET, f"{COPY}{tmp_path / 'told'}", None, ledger).wrong == []
    assert not (tmp_path / "told").exists()


def test_what_somebody_knows_is_not_told_again(tmp_path: Path, ledger: Path) -> None:
    told = tmp_path / "told"
    assert tell(REPORT, f"{COPY}{told}", None, ledger).wrong == []
    told.unlink()

    assert tell(REPORT, f"{COPY}{told}", None, ledger).wrong == []
    assert not told.exists()


def test_without_hooks_nobody_was_told(tmp_path: Path, ledger: Path) -> None:
    assert tell(REPORT, None, None, ledger).wrong == []
    assert not ledger.exists()

    assert tell(REPORT, f"{COPY}{tmp_path / 'told'}", None, ledger).wrong == []
    assert (tmp_path / "told").exists()


def test_a_command_that_fails_is_said_and_its_news_is_told_the_next_time(
    tmp_path: Path, ledger: Path
) -> None:
    folder = tmp_path / "later"
    command = f"{COPY}{folder / 'told'}"

    telling = tell(REPORT, command, None, ledger)

    assert telling.failed == {"command": True}
    assert telling.wrong == [f"nobody was told by the command {sys.executable}: it ended with 1"]
    folder.mkdir()
    assert tell(compared(night(2, SWAP), REPORT), command, None, ledger).wrong == []
    assert json.loads((folder / "told").read_text())["new"] == [{"check": "HOST-03", "host": "w1"}]


def test_a_command_that_fails_for_a_night_is_told_the_next_time_what_is_gone(
    tmp_path: Path, ledger: Path
) -> None:
    folder = tmp_path / "later"
    command = f"{COPY}{folder / 'told'}"
    folder.mkdir()
    assert tell(REPORT, command, None, ledger).wrong == []
    (folder / "told").unlink()
    folder.rmdir()
    assert tell(MENDED, command, None, ledger).failed == {"command": True}
    folder.mkdir()

    assert tell(compared(night(3), MENDED), command, None, ledger).wrong == []
    told = json.loads((folder / "told").read_text())
    assert (told["new"], told["gone"]) == ([], [{"check": "HOST-03", "host": "w1"}])


def test_what_one_command_was_told_another_was_not(tmp_path: Path, ledger: Path) -> None:
    tell(REPORT, "true", None, ledger)

    tell(REPORT, f"{COPY}{tmp_path / 'told'}", None, ledger)

    assert json.loads((tmp_path / "told").read_text())["new"] == [{"check": "HOST-03", "host": "w1"}]


def test_what_an_older_release_told_is_not_told_again(tmp_path: Path, ledger: Path) -> None:
    command = f"{COPY}{tmp_path / 'told'}"
    known = {"check": "HOST-03", "host": "w1", "said": "error: "}
    ledger.write_text(json.dumps({"command": [known]}))

    assert tell(REPORT, command, None, ledger).wrong == []

    assert not (tmp_path / "told").exists()
    assert json.loads(ledger.read_text()) == {f"command {command}": [known]}


@pytest.mark.parametrize(
    ("command", "address", "said"),
    [
        ("/none/tell", None, "command /none/tell: No such file or directory"),
        (None, "http://127.0.0.1:1/hook-secret", "webhook of {file}: Connection refused"),
        *((None, address, f"webhook of {{file}}: {NO_ADDRESS}") for address in NO_ADDRESSES),
    ],
)
def test_it_is_said_why_nobody_was_told_and_never_the_address(
    tmp_path: Path, ledger: Path, command: str | None, address: str | None, said: str
) -> None:
    file = tmp_path / "webhook"
    file.write_text(address or "")

    telling = tell(REPORT, command, file if address else None, ledger)

    assert telling.wrong == [f"nobody was told by the {said.format(file=file)}"]


def test_what_came_and_went_before_anybody_could_be_told_is_not_told(tmp_path: Path, ledger: Path) -> None:
    command = f"{COPY}{tmp_path / 'later' / 'told'}"
    tell(REPORT, command, None, ledger)
    (tmp_path / "later").mkdir()

    assert tell(MENDED, command, None, ledger).wrong == []
    assert not (tmp_path / "later" / "told").exists()


def test_only_the_one_that_was_not_told_is_told_again(
    tmp_path: Path, posted: tuple[str, list[bytes]], ledger: Path
) -> None:
    url, bodies = posted
    secret, told = tmp_path / "webhook", tmp_path / "told"
    secret.write_text(f"{url}/broken")
    assert tell(REPORT, f"{COPY}{told}", secret, ledger).wrong == [
        f"nobody was told by the webhook of {secret}: HTTP 500"
    ]
    told.unlink()
    secret.write_text(f"{url}/hook")

    assert tell(REPORT, f"{COPY}{told}", secret, ledger).wrong == []
    assert not told.exists()
    assert json.loads(bodies[-1])["new"] == [{"check": "HOST-03", "host": "w1"}]


@pytest.mark.parametrize("text", ["", "[]", '{"command": [{}]}', '{"command": 1}'])
def test_a_ledger_that_is_damaged_has_everything_told(tmp_path: Path, ledger: Path, text: str) -> None:
    ledger.write_text(text)

    assert tell(REPORT, f"{COPY}{tmp_path / 'told'}", None, ledger).wrong == []
    assert json.loads((tmp_path / "told").read_text())["new"] == [{"check": "HOST-03", "host": "w1"}]


def test_a_ledger_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    ledger = tmp_path / "away" / "told.json"

    assert tell(REPORT, "true", None, ledger).wrong == [
        f"{ledger} could not be written: No such file or directory"
    ]


def test_a_hook_that_failed_is_named_beside_one_that_did_not(tmp_path: Path, ledger: Path) -> None:
    (tmp_path / "webhook").write_text("http://127.0.0.1:1/")

    assert tell(REPORT, "true", tmp_path / "webhook", ledger).failed == {"command": False, "webhook": True}


@pytest.mark.parametrize(("report", "command"), [(REPORT, "true"), (QUIET, "false"), (REPORT, None)])
def test_where_nothing_is_left_to_tell_nothing_failed(
    report: Report, command: str | None, ledger: Path
) -> None:
    assert not any(tell(report, command, None, ledger).failed.values())


def test_a_webhook_without_its_address_is_said_before_there_is_anything_to_tell(ledger: Path) -> None:
    gone = ledger.parent / "gone"
    said = f"{gone}: the webhook's address could not be read: No such file or directory"

    telling = tell(QUIET, None, gone, ledger)

    assert telling.failed == {"webhook": True}
    assert telling.wrong == [f"nobody was told by the webhook of {gone}: {said}"]


def test_a_webhook_gets_the_same(tmp_path: Path, posted: tuple[str, list[bytes]], ledger: Path) -> None:
    url, bodies = posted
    secret = tmp_path / "webhook"
    secret.write_text(f"{url}/hook?token=s3cret\n")

    assert tell(REPORT, None, secret, ledger).wrong == []
    assert json.loads(bodies[0])["cluster"] == "homelab"
    assert "s3cret" not in ledger.read_text()


@pytest.mark.parametrize("content", [b"file:///etc/shadow", b"", b"\xff\xfe"])
def test_what_is_no_address_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    secret = tmp_path / "webhook"
    secret.write_bytes(content)

    with pytest.raises(InventoryError) as caught:
        address(secret)

    assert str(caught.value) == f"{secret} must hold one http:// or https:// address and nothing else"
