"""CAs on a host: brought from the cluster, and trusted by every program."""

from __future__ import annotations

import shlex
from base64 import b64decode

from cryptography import x509
from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.trust import SystemTrust
from deploy.observe import kube, trust
from deploy.observe.secrets import Where
from deploy.operations import files, notes
from deploy.operations.elsewhere import said
from deploy.operations.files import Commands, File


def _asks(source: Where) -> str:
    """Return what prints a Secret's CA on a control plane, or nothing where there is none yet."""
    words = ["kubectl", "get", "secret", source.name, f"--namespace={source.namespace}"]
    words += ["--ignore-not-found", "-o", 'go-template={{index .data "ca.crt"}}']
    return f"[ -s {kube.KUBECONFIG} ] || exit 0\n{kube.ENVIRONMENT}\n{shlex.join(words)}"


def certificate(lines: list[str]) -> bytes | None:
    """Return the CA as a PEM file; None when there is none yet. Raise HostError on what is no certificate."""
    text = "".join(lines).strip()
    if not text or "<no value>" in text:
        return None
    try:
        content = b64decode(text, validate=True)
        x509.load_pem_x509_certificate(content)
    except ValueError:
        raise HostError("what lies there as ca.crt is not a certificate") from None
    return content


@operation()
def brought(speaker: str, source: Where, path: str, until: str) -> Commands:
    """The host has the CA of a Secret at this path; `speaker` is asked for it, `until` makes it."""
    try:
        content = certificate(said(speaker, _asks(source)))
    except HostError as error:
        raise HostError(f"{source}, asked for its CA: {error}") from None
    if content is None:
        notes.unknown_until(until)
        notes.reason(f"{source} has no CA yet")
        yield StringCommand(f"echo {shlex.quote(f'{source} has no CA')} >&2; exit 1")
        return
    yield from files.present._inner([File(path, content)])


@operation()
def system(path: str) -> Commands:
    """Every program of the host trusts the CA at this path."""
    found: trust.Trusted | None = host.get_fact(SystemTrust, path=path)
    if found is None:
        raise HostError(f"could not read {path} and {trust.LOCAL}")
    if found.wanted is not None and found.wanted == found.local == found.linked:
        return
    if found.wanted is None:
        notes.unknown_until("control-plane")
        notes.reason(f"{path} is not there yet")
    else:
        notes.reason(f"the system's store does not have {path}")
    source, part, local = map(shlex.quote, (path, f"{trust.LOCAL}.part", trust.LOCAL))
    yield StringCommand(
        f"mkdir -p /usr/local/share/ca-certificates && cp -- {source} {part} && chmod 0644 {part}"
        f" && mv -fT -- {part} {local} && update-ca-certificates >/dev/null"
    )
