"""Certificates end late enough: those on file, those inside of kubeconfigs, and the one that is served."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from checks.finding import Severity
from deploy.model import Cluster, Node
from deploy.model.api_server import PORT

SOON, AT_ONCE = timedelta(days=30), timedelta(days=7)
KUBELET = "/var/lib/kubelet/pki"
# Nothing of a private key leaves the host: only CERTIFICATE blocks and client-certificate-data are printed.
READ = f"""cd /etc/kubernetes 2>/dev/null || exit 1
for f in pki/*.crt pki/etcd/*.crt {KUBELET}/kubelet-client-current.pem {KUBELET}/kubelet.crt; do
  [ -e "$f" ] && echo "@ $f" && sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' "$f"
done
for f in *.conf; do
  [ -e "$f" ] && echo "@ $f" && sed -n 's/^ *client-certificate-data: *//p' "$f"
done; true"""

# k3s keeps them in two folders, and renews at a start what has less than 120 days left (k3s-io/k3s#12315)
READ_K3S = """cd /var/lib/rancher/k3s 2>/dev/null || exit 1
for f in server/tls/*.crt server/tls/etcd/*.crt agent/*.crt; do
  [ -e "$f" ] && echo "@ $f" && sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' "$f"
done; true"""


@dataclass(frozen=True, slots=True)
class Dated:
    """A certificate and the file that it is in."""

    name: str
    certificate: x509.Certificate

    @property
    def ends(self) -> datetime:
        """When it is valid for the last time."""
        return self.certificate.not_valid_after_utc

    @property
    def begins(self) -> datetime:
        """When it is valid for the first time."""
        return self.certificate.not_valid_before_utc


def parse(text: str) -> list[Dated]:
    """Return the certificates that the script printed; a file without any has none."""
    return [
        Dated(name, each)
        for name, _, body in (part.partition("\n") for part in text.split("@ ")[1:])
        for each in _certificates(body)
    ]


def _certificates(body: str) -> Iterator[x509.Certificate]:
    if "-----BEGIN" in body:
        yield from x509.load_pem_x509_certificates(body.encode())
    elif body.strip():
        yield from x509.load_pem_x509_certificates(base64.b64decode(body))


def left(dated: Dated, now: datetime) -> str:
    """Return how a certificate stands, in days."""
    if now < dated.begins:
        return f"{dated.name} begins only on {dated.begins:%Y-%m-%d}"
    days = (dated.ends - now).days
    return f"{dated.name} ends in {days} days" if days >= 0 else f"{dated.name} ended {-days} days ago"


@proves("K8S-03")
def test_certificates_are_valid_for_a_month(host: Host, cluster: Cluster, node: Node, seen: Seen) -> None:
    k3s = cluster.is_k3s
    ran = host.run(READ_K3S if k3s else READ)
    found = parse(ran.stdout) if ran.rc == 0 else []
    if not found:
        seen.unread(f"no certificate could be read: {ran.stderr.strip() or 'none is there'}")
    now = datetime.now(UTC)
    bad = [each for each in found if each.ends - now < SOON or now < each.begins]
    first = min(found, key=lambda each: each.ends)
    if bad and all(each.ends - now >= AT_ONCE and now >= each.begins for each in bad):
        seen.severity = Severity.WARNING
    seen.require(
        not bad,
        found=f"{len(found)} certificates, {left(first, now)}",
        wanted=f">= {SOON.days} days each",
        detail="\n".join(left(each, now) for each in bad),
    )
    # what k3s serves is made from no one file
    if node.is_control_plane and cluster.ssh_of(node).jump is None and not k3s:
        on_file = next((each for each in found if each.name == "pki/apiserver.crt"), None)
        seen.expect(found=_served(str(node.address), on_file), wanted="the API server serves the one on file")


def _served(address: str, on_file: Dated | None) -> str:
    """Return whether the API server serves what lies on its disk, which takes a restart after a renewal."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, PORT), timeout=3) as plain,
            context.wrap_socket(plain) as secured,
        ):
            served = secured.getpeercert(binary_form=True)
    except OSError as error:
        return f"the API server serves none: {error}"
    if on_file is None or served != on_file.certificate.public_bytes(Encoding.DER):
        return "the API server serves another one than the file"
    return "the API server serves the one on file"
