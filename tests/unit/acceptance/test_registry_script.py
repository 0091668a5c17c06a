"""The script that proves a registry, run by a shell against one on the loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from checks.acceptance import registry_verdicts as verdicts
from checks.acceptance.registry_image import image
from checks.acceptance.registry_script import Door, Said, credentials, parse, script
from checks.finding import Status

USER, PASSWORD = "robot$slipway", "a-password-of-the-test"
SIZE = 100_000


class Registry(BaseHTTPRequestHandler):
    """The part of the OCI distribution API that a push and a pull need; `broken` names what goes wrong."""

    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _known(self) -> bool:
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.server.broken == "open" or self.headers["Authorization"] == f"Basic {expected}"

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_POST(self) -> None:
        """Begin an upload."""
        self._body()
        if not self._known():
            return self._answer(401)
        return self._answer(
            202, Location=f"/v2/models/slipway-verify/blobs/uploads/{len(self.server.blobs)}?s=1"
        )

    def do_PUT(self) -> None:
        """Take a blob or a manifest."""
        body = self._body()
        if not self._known():
            return self._answer(401)
        if self.server.broken == "limited" and len(body) >= SIZE:
            return self._answer(413)
        if "/manifests/" in self.path:
            self.server.tags[self.path.rpartition("/")[2]] = body
            return self._answer(201)
        digest = self.path.rpartition("digest=")[2]
        if digest != f"sha256:{hashlib.sha256(body).hexdigest()}":
            return self._answer(400)
        self.server.blobs[digest] = body if self.server.broken != "rotten" else body[::-1] + b"!"
        return self._answer(201)

    def do_GET(self) -> None:
        """Give a blob or a manifest."""
        if self.path == "/api/v2.0/health":
            parts = {"components": [{"name": "core", "status": "healthy"}]}
            return self._answer(200, json.dumps(parts, indent=1).encode())
        if not self._known():
            return self._answer(401)
        place = self.path.rpartition("/")[2]
        found = self.server.tags.get(place) or self.server.blobs.get(place)
        return self._answer(200, found) if found is not None else self._answer(404)

    def do_DELETE(self) -> None:
        """Forget a blob."""
        self.server.blobs.pop(self.path.rpartition("/")[2], None)
        self._answer(202)


class Server(ThreadingHTTPServer):
    """The registry's contents."""

    broken = ""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Registry)
        self.blobs: dict[str, bytes] = {}
        self.tags: dict[str, bytes] = {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(folder))
        self.socket = context.wrap_socket(self.socket, server_side=True)


def certificate(folder: Path) -> tuple[Path, Path]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("registry.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "crt", folder / "key"
    public.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return public, private


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def run(
    server: Server, folder: Path, password: str = PASSWORD, ca: str = "crt", *, harbor: bool = False
) -> Said:
    port = int(server.server_address[1])
    door = Door("registry.test", "127.0.0.1", str(folder / ca), "models/slipway-verify", harbor, port)
    command = script(door, {"amd64": image("amd64")}, SIZE)
    assert password not in command
    ran = subprocess.run(
        ["sh", "-c", command], input=credentials(USER, password), capture_output=True, text=True, timeout=60
    )
    return parse(f"{ran.stdout}\n{ran.stderr}")


def judged(said: Said, *, harbor: bool = False) -> dict[str, Status]:
    return {each.check: each.status for each in verdicts.findings(said, "cp1", harbor=harbor)}


def test_what_is_pushed_comes_back_and_the_big_blob_is_gone(server: Server, tmp_path: Path) -> None:
    assert judged(run(server, tmp_path, harbor=True), harbor=True) == {
        "REG-01": Status.PASS,
        "REG-02": Status.PASS,
        "REG-06": Status.PASS,
    }
    assert sorted(server.tags) == ["amd64", "probe"]
    assert max(map(len, server.blobs.values())) < SIZE


def test_a_second_run_sends_everything_again(server: Server, tmp_path: Path) -> None:
    first, second = run(server, tmp_path), run(server, tmp_path)

    assert [each.transfers["push"].status for each in (first, second)] == [201, 201]
    assert judged(second)["REG-02"] is Status.PASS


@pytest.mark.parametrize(
    ("broken", "check", "status"),
    [
        ("limited", "REG-01", Status.FAIL),
        ("limited", "REG-02", Status.FAIL),
        ("rotten", "REG-02", Status.FAIL),
        ("open", "REG-06", Status.FAIL),
    ],
)
def test_a_broken_registry_is_found(
    server: Server, tmp_path: Path, broken: str, check: str, status: Status
) -> None:
    server.broken = broken

    assert judged(run(server, tmp_path))[check] is status


def refused(server: Server, folder: Path) -> Said:
    return run(server, folder, password="another")


def test_a_wrong_password_pushes_nothing(server: Server, tmp_path: Path) -> None:
    found = {each.check: each for each in verdicts.findings(refused(server, tmp_path), "cp1", harbor=False)}

    assert (found["REG-02"].status, found["REG-02"].found) == (Status.FAIL, "push: HTTP 401")
    assert server.tags == {}


def test_a_registry_that_nobody_vouches_for_gets_no_password(server: Server, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    certificate(other)
    said = run(server, tmp_path, ca="other/crt")

    assert judged(said) == {
        "REG-01": Status.UNAVAILABLE,
        "REG-02": Status.FAIL,
        "REG-06": Status.UNAVAILABLE,
    }
    assert "certificate" in said.error


def test_a_registry_that_is_down_is_said_by_each_check_in_these_words(tmp_path: Path) -> None:
    gone = Server(tmp_path)
    gone.server_close()

    found = [*verdicts.findings(run(gone, tmp_path), "cp1", harbor=False)]

    assert [(each.check, each.status, each.found) for each in found] == [
        ("REG-01", Status.UNAVAILABLE, "the push ended with no answer (REG-02)"),
        ("REG-02", Status.FAIL, "push: no answer"),
        ("REG-06", Status.UNAVAILABLE, "nobody answered who reads or writes without a password"),
    ]
    port = gone.server_address[1]
    assert found[1].wanted == "100 MB pushed, and the same read back"
    assert f"Failed to connect to registry.test port {port}" in found[1].detail


def test_the_image_is_one_that_a_runtime_can_unpack() -> None:
    layer, config = image("arm64").blobs
    described = json.loads(config.content)
    with tarfile.open(fileobj=BytesIO(layer.content), mode="r:gz") as tar:
        files = {each.name: each.size for each in tar.getmembers()}

    assert files == {"slipway-verify": len(b"pulled by a verify\n")}
    assert described["architecture"] == "arm64"
    assert image("arm64") == image("arm64")
    assert image("arm64").manifest != image("amd64").manifest
