"""What lets a node join: made by a control plane when the join is executed, short-lived, deleted after."""

from __future__ import annotations

import hashlib
import json
import secrets
import shlex
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.observe import kube, kubeadm
from deploy.operations.elsewhere import said

TTL = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Asks:
    """Who makes credentials: a control plane's name, and its `kubeadm init` configuration."""

    host: str
    init: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A bootstrap token with the CA it is good for, and for a control plane the key of its certificates."""

    token: str
    ca_hash: str
    certificate_key: str | None = None

    def into(self, config: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
        """Return a JoinConfiguration with these credentials."""
        document = dict(config)
        bootstrap = {"apiServerEndpoint": endpoint, "token": self.token, "caCertHashes": [self.ca_hash]}
        document["discovery"] = {"bootstrapToken": bootstrap}
        if self.certificate_key:
            document["controlPlane"] = {**document["controlPlane"], "certificateKey": self.certificate_key}
        return document


def ca_hash(pem: str) -> str:
    """Return sha256:<hex> of a CA's public key, as kubeadm pins it."""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(encoded).hexdigest()}"


def made(asks: Asks, node: str, *, control_plane: bool) -> Credentials:
    """Let a control plane know a new token for one node, and for a control plane upload the certificates.

    Nothing secret is printed or named in a command: it comes from here, on stdin.
    """
    token = f"{_random(6)}.{_random(16)}"
    wanted = json.dumps(secret(token, node, datetime.now(UTC)))
    pem = said(asks.host, _CREATE.format(id=token[:6]), stdin=wanted)
    key = _uploaded(asks) if control_plane else None
    return Credentials(token, ca_hash("\n".join(pem)), key)


# kubeadm looks for the token's signature every five seconds; waiting for it here is over in a tenth of one
_CREATE = f"""
{kube.ENVIRONMENT}
kubectl create -f - >/dev/null || exit 1
for _ in $(seq 50); do
  kubectl get configmap cluster-info -n kube-public -o jsonpath='{{{{.data.jws-kubeconfig-{{id}}}}}}' \
    | grep -q . && break
  sleep 0.1
done
cat {kubeadm.CA}
""".strip()


def _random(length: int) -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length))


def secret(token: str, node: str, now: datetime) -> dict[str, Any]:
    """Return the Secret that a bootstrap token is (kubernetes.io, Authenticating with bootstrap tokens)."""
    name, _, key = token.partition(".")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"bootstrap-token-{name}", "namespace": "kube-system"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "description": f"slipway joins {node}",
            "token-id": name,
            "token-secret": key,
            "expiration": (now + TTL).isoformat(timespec="seconds"),
            "usage-bootstrap-authentication": "true",
            "usage-bootstrap-signing": "true",
            "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
        },
    }


def _uploaded(asks: Asks) -> str:
    """Upload the control plane's certificates, encrypted with a key that goes on stdin only."""
    key = secrets.token_hex(32)
    documents = [
        {**document, "certificateKey": key} if document["kind"] == "InitConfiguration" else dict(document)
        for document in asks.init
    ]
    # sshd's stdin is a socket, which cannot be opened by its name: cat makes a pipe of it
    upload = "cat | kubeadm init phase upload-certs --upload-certs --config=/dev/stdin >/dev/null"
    said(asks.host, f"{kube.ENVIRONMENT}\n{upload}", stdin=yaml.safe_dump_all(documents))
    return key


def deleted(asks: Asks, made: Credentials) -> None:
    """Delete the token, and what was uploaded with it."""
    names = [f"bootstrap-token-{made.token.partition('.')[0]}"]
    names += ["kubeadm-certs"] if made.certificate_key else []
    delete = shlex.join(["kubectl", "delete", "secret", "-n", "kube-system", "--ignore-not-found", *names])
    said(asks.host, f"{kube.ENVIRONMENT}\n{delete}")
