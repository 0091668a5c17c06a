"""Digests from publishers: the forms they state them in, and a registry's challenge, on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.catalog import publisher
from deploy.catalog.publisher import UnlearnedError

SHA = "0123456789abcdef" * 4
MANIFEST = b'{"schemaVersion": 2}'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{SHA}\n", SHA),
        (f"{SHA.upper()}  containerd-2.3.7-linux-amd64.tar.gz\n", SHA),
        (f"{'f' * 64}  runc.arm64\n{SHA} *containerd-2.3.7-linux-amd64.tar.gz\n", SHA),
        (f"{SHA}  ./dist/containerd-2.3.7-linux-amd64.tar.gz\n", SHA),
        (f"{SHA}  another.tar.gz\n", None),
        ("<html>not found</html>", None),
        ("", None),
    ],
)
def test_a_checksum_file_is_read_in_every_form_that_publishers_use(text: str, found: str | None) -> None:
    assert publisher.stated(text, "containerd-2.3.7-linux-amd64.tar.gz") == found


def test_a_chart_is_found_in_its_repositorys_index_with_or_without_a_v() -> None:
    index = f"""
entries:
  flannel:
  - {{version: v0.28.5, digest: {"f" * 64}}}
  - {{version: v0.28.4, digest: sha256:{SHA}}}
"""

    assert publisher.indexed(index, "flannel", "0.28.4") == SHA
    assert publisher.indexed(index, "flannel", "v0.28.5") == "f" * 64
    assert publisher.indexed(index, "flannel", "v0.28.6") is None
    assert publisher.indexed("entries: [", "flannel", "v0.28.4") is None


def test_docker_hubs_short_names_are_spelt_out() -> None:
    assert (
        publisher.manifest_url("docker.io/busybox:1.36")
        == "https://registry-1.docker.io/v2/library/busybox/manifests/1.36"
    )
    assert (
        publisher.manifest_url("registry.k8s.io/coredns/coredns:v1.14.2")
        == "https://registry.k8s.io/v2/coredns/coredns/manifests/v1.14.2"
    )


class _Registry(BaseHTTPRequestHandler):
    """A registry that wants an anonymous token, as ghcr.io and docker.io do."""

    def do_GET(self) -> None:
        place = f"127.0.0.1:{self.server.server_address[1]}"
        if self.path.startswith("/token"):
            assert self.path == "/token?service=here&scope=repository%3Aapp%3Apull"
            self._answer(200, json.dumps({"token": "anonymous"}).encode())
        elif self.headers.get("Authorization") != "Bearer anonymous":
            scope = f'Bearer realm="http://{place}/token",service="here",scope="repository:app:pull"'
            self._answer(401, b"", {"WWW-Authenticate": scope})
        elif self.path == "/v2/app/manifests/v1":
            self._answer(200, MANIFEST)
        else:
            self._answer(404, b"")

    def _answer(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_an_images_digest_is_computed_over_what_the_registry_gave(registry: str) -> None:
    digest = publisher.image_digest(f"{registry}/app:v1", scheme="http")

    assert digest == f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


def test_an_unknown_tag_is_named_with_what_the_registry_said(registry: str) -> None:
    with pytest.raises(UnlearnedError) as unlearned:
        publisher.image_digest(f"{registry}/app:v2", scheme="http")

    assert str(unlearned.value) == f"http://{registry}/v2/app/manifests/v2 answered 404 Not Found"


def test_without_a_network_the_url_and_the_reason_are_said() -> None:
    with pytest.raises(UnlearnedError) as unlearned:
        publisher.get("http://127.0.0.1:1/kubelet.sha256")

    assert str(unlearned.value) == (
        "http://127.0.0.1:1/kubelet.sha256 could not be reached: [Errno 111] Connection refused"
    )
