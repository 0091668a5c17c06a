"""Certificates end late enough: those on file, those inside of kubeconfigs, and those that are served."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from checks.finding import Severity
from checks.say import listed
from deploy.model import CertificateProvider, Cluster, Node
from deploy.model.api_server import PORT

SOON, AT_ONCE = timedelta(days=30), timedelta(days=7)
KUBELET, KUBELET_PORT = "/var/lib/kubelet/pki", 10250
CLIENT = f"{KUBELET}/kubelet-client-current.pem"  # a link
# what kubeadm makes: https://kubernetes.io/docs/setup/best-practices/certificates/
EVERYWHERE = ("pki/ca.crt", CLIENT)
OF_CONTROL_PLANES = (
    *(f"pki/{name}.crt" for name in ("apiserver", "apiserver-etcd-client", "apiserver-kubelet-client")),
    *(f"pki/{name}.crt" for name in ("front-proxy-ca", "front-proxy-client")),
    *(f"pki/etcd/{name}.crt" for name in ("ca", "healthcheck-client", "peer", "server")),
    *(f"{name}.conf" for name in ("admin", "controller-manager", "scheduler")),
)
PEM = "sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p'"
# a link to nothing is named, too
NAME = '{ [ -e "$f" ] || [ -L "$f" ]; } && echo "@ $f"'
# Nothing of a private key leaves the host: only CERTIFICATE blocks and client-certificate-data are printed.
READ = f"""cd /etc/kubernetes 2>/dev/null || exit 1
for f in pki/*.crt pki/etcd/*.crt {CLIENT} {KUBELET}/kubelet.crt; do
  {NAME} && {PEM} "$f"
done
for f in *.conf; do
  {NAME} && sed -n 's/^ *client-certificate-data: *//p' "$f"
done; true"""

# k3s keeps them in two folders, and renews at a start what has less than 120 days left (k3s-io/k3s#12315)
READ_K3S = f"""cd /var/lib/rancher/k3s 2>/dev/null || exit 1
for f in server/tls/*.crt server/tls/etcd/*.crt agent/*.crt; do
  {NAME} && {PEM} "$f"
done; true"""
# curl says whom it talked to since 7.88, Debian 12's; openssl does where it is older, as in Ubuntu 22.04.
# Nobody is trusted for that, and nothing is sent.
SERVED = """for at in {doors}; do
  pem=$(curl -sk --noproxy '*' -m 3 -o /dev/null -w '%{{certs}}' "https://$at/" 2>/dev/null | {pem})
  [ -n "$pem" ] || pem=$(timeout 3 openssl s_client -connect "$at" </dev/null 2>/dev/null | {pem})
  printf '\\n@ {served}%s\\n%s\\n' "$at" "$pem"
done; true"""
SERVED_AT = "served at "


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
    """Return the certificates that the script printed; a file without any, or with a broken one, has none."""
    return [Dated(name, each) for name, body in _parts(text) for each in _certificates(body)]


def _parts(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("@ ")[1:]:
        name, _, body = part.partition("\n")
        yield name, body


def _certificates(body: str) -> list[x509.Certificate]:
    try:
        pem = body.encode() if "-----BEGIN" in body else base64.b64decode(body)
        return x509.load_pem_x509_certificates(pem) if pem.strip() else []
    except ValueError:  # cut off, as on a full disk, or no certificate at all
        return []


def lacking(cluster: Cluster, node: Node, text: str) -> list[str]:
    """Return the files that should hold a certificate, and hold no whole one or are not there.

    Of k3s' own only those that are there are known. A kubelet that never renews has no CLIENT: its kubeconfig
    holds the certificate itself, and otherwise names that file.
    """
    of_kubeadm = (*EVERYWHERE, *(OF_CONTROL_PLANES if node.is_control_plane else ()))
    on_file = ((name, body) for name, body in _parts(text) if not name.startswith(SERVED_AT))
    there = [name for name, body in on_file if body.strip() or name.endswith((".crt", ".pem"))]
    held = {each.name for each in parse(text)}
    wanted = dict.fromkeys([*(() if cluster.is_k3s else of_kubeadm), *there])
    if CLIENT not in there and "kubelet.conf" in held:
        wanted.pop(CLIENT, None)
    return [name for name in wanted if name not in held]


def left(dated: Dated, now: datetime) -> str:
    """Return how a certificate stands, in days."""
    if now < dated.begins:
        return f"{dated.name} begins only on {dated.begins:%Y-%m-%d}"
    days = (dated.ends - now).days
    return f"{dated.name} ends in {days} days" if days >= 0 else f"{dated.name} ended {-days} days ago"


def doors(node: Node) -> list[str]:
    """Return where a node serves certificates: its kubelet, and the API server of a control plane."""
    ports = (KUBELET_PORT, PORT) if node.is_control_plane else (KUBELET_PORT,)
    return [f"{node.address}:{port}" for port in ports]


def reading(cluster: Cluster, node: Node) -> str:
    """Return the shell that prints the certificates of a node, on file and as they are served.

    A CA of registry and store that is not the cluster's ends on a day of its own.
    """
    parts = [READ_K3S if cluster.is_k3s else READ]
    if cluster.certificates.provider is CertificateProvider.CERT_MANAGER:
        parts.append(f'for f in {shlex.quote(cluster.services_ca)}; do {NAME} && {PEM} "$f"; done; true')
    parts.append(SERVED.format(doors=" ".join(doors(node)), served=SERVED_AT, pem=PEM))
    return "\n".join(parts)


@proves("K8S-03")
def test_certificates_are_valid_for_a_month(host: Host, cluster: Cluster, node: Node, seen: Seen) -> None:
    ran = host.run(reading(cluster, node))
    found = parse(ran.stdout) if ran.rc == 0 else []
    if not any(not each.name.startswith(SERVED_AT) for each in found):
        seen.unread(f"no certificate could be read: {ran.stderr.strip() or 'none is there'}")
    if empty := lacking(cluster, node, ran.stdout):
        seen.require(False, found=f"no whole certificate in {listed(empty)}", wanted="one in each file")
    now = datetime.now(UTC)
    bad = [each for each in found if each.ends - now < SOON or now < each.begins]
    first = min(bad or found, key=lambda each: each.ends)
    if bad and all(each.ends - now >= AT_ONCE and now >= each.begins for each in bad):
        seen.severity = Severity.WARNING
    seen.require(
        not bad,
        found=f"{len(found)} certificates, {left(first, now)}",
        wanted=f">= {SOON.days} days each",
        detail="\n".join(left(each, now) for each in bad),
    )
    leaves = {each.name: each.certificate for each in reversed(found)}
    silent = [at for at in doors(node) if f"{SERVED_AT}{at}" not in leaves]
    if silent:
        seen.unread(f"no certificate is served at {', '.join(silent)} (K8S-13, K8S-14)")
    # what k3s serves is made from no one file
    if node.is_control_plane and not cluster.is_k3s:
        same = leaves[f"{SERVED_AT}{node.address}:{PORT}"] == leaves.get("pki/apiserver.crt")
        told = "the one on file" if same else "another one than the file"
        seen.expect(found=f"the API server serves {told}", wanted="the API server serves the one on file")
