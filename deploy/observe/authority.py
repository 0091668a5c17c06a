"""A certificate in a Secret, and the cluster's CA that shall have signed it: both public."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from deploy.observe import kube, secrets
from deploy.observe.secrets import Where

# what signs in a cluster, without .crt and .key: kubeadm's, k3s'
AUTHORITIES = ("/etc/kubernetes/pki/ca", "/var/lib/rancher/k3s/server/tls/server-ca")
# sets $ca to the one that this host has, or to nothing
AUTHORITY = f'for ca in {" ".join(AUTHORITIES)} ""; do [ -s "$ca.crt" ] && [ -s "$ca.key" ] && break; done'
_OWN = "ca "
LEAST = 1 / 3  # of a certificate's life, that is left when it is made anew


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate, if there is a Secret with one and its key, and the CA, if this host has it."""

    reach: kube.Reach
    certificate: x509.Certificate | None = None
    authority: x509.Certificate | None = None
    errors: tuple[str, ...] = ()


def command(where: Where) -> str:
    """Return what prints the certificate of a Secret, and that of the host's CA."""
    get = secrets.command([where], shown=["tls.crt"])
    return f'{get}; {AUTHORITY}; [ -z "$ca" ] || echo "{_OWN}$(base64 -w0 < "$ca.crt")"'


def parse(lines: Sequence[str]) -> Certified:
    """Return what was printed; what is no certificate counts as none."""
    own = [line.removeprefix(_OWN) for line in lines if line.startswith(_OWN)]
    said = secrets.parse([line for line in lines if not line.startswith(_OWN)])
    values = next((each.digests for each in said.found.values() if "tls.key" in each.digests), {})
    certificate = _certificate(values.get("tls.crt", ""))
    return Certified(said.reach, certificate, _certificate("".join(own)), said.errors)


def _certificate(encoded: str) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(b64decode(encoded))
    except ValueError:
        return None


def names(certificate: x509.Certificate) -> set[str]:
    """Return the names and addresses that a certificate is for."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    addresses = map(str, extension.value.get_values_for_type(x509.IPAddress))
    return {*extension.value.get_values_for_type(x509.DNSName), *addresses}


def unfit(found: Certified, wanted: Sequence[str], now: datetime) -> str | None:
    """Say why the certificate must be made anew, or for the first time; None when it is good."""
    certificate = found.certificate
    if certificate is None:
        return "there is none"
    if (are := names(certificate)) != {_plain(name) for name in wanted}:
        return f"it is for {', '.join(sorted(are)) or 'nobody'}, wanted {', '.join(sorted(wanted))}"
    if found.authority is None or not signed(certificate, found.authority):
        return "the cluster's CA did not sign it"
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if (ends - now) < (ends - begins) * LEAST:
        return f"it ends on {ends:%Y-%m-%d}"
    return None


def _plain(name: str) -> str:
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Say whether a certificate is of this CA, itself."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
