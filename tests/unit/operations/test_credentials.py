"""What lets a node join: a Secret that ends by itself, a pinned CA, and nothing of it in a command."""

from __future__ import annotations

from datetime import UTC, datetime

from deploy.operations import credentials
from deploy.operations.credentials import Credentials

CA = """\
-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUIYFvpZr8FEgarC6IXcNe9vTLBCkwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMzAwMTQzMjJaGA8yMTI2MTEw
NjAxNDMyMlowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABIKkMzB9gTDEFwjLrsHJ8aktyGoI5hymJTAF/h1lwdTBkY8mucai
+ummmbh85OAElWPp6Q26LA1HU+gCIsxmQS+jUzBRMB0GA1UdDgQWBBS0T8xqjQyQ
QK9aEoN4VODODm7HKTAfBgNVHSMEGDAWgBS0T8xqjQyQQK9aEoN4VODODm7HKTAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCFhyklP/JG8HE4qnzj
SibA2C7CgxeTG+/s/AzpxE8NYwIgMFrWIRPG+5FKho7MzlnF8mcecHeWm96Z/JR6
fkO0wkM=
-----END CERTIFICATE-----
"""


def test_a_ca_is_pinned_as_openssl_computes_it() -> None:
    # openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | sha256sum
    assert credentials.ca_hash(CA) == (
        "sha256:f319e39f24c36a396c96508c26dc8aad3cfd79060a01eb9b005c0c585db7fa33"
    )


def test_a_token_is_a_secret_that_ends_in_a_quarter_of_an_hour() -> None:
    made = credentials.secret("abcdef.0123456789abcdef", "w1", datetime(2026, 11, 30, 2, 0, tzinfo=UTC))

    assert made == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "bootstrap-token-abcdef", "namespace": "kube-system"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "description": "slipway joins w1",
            "token-id": "abcdef",
            "token-secret": "0123456789abcdef",
            "expiration": "2026-11-30T02:15:00+00:00",
            "usage-bootstrap-authentication": "true",
            "usage-bootstrap-signing": "true",
            "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
        },
    }


def test_a_worker_gets_a_token_and_a_control_plane_its_certificates_key_too() -> None:
    worker = {"kind": "JoinConfiguration", "nodeRegistration": {"name": "w1"}}
    plane = {"kind": "JoinConfiguration", "controlPlane": {"localAPIEndpoint": {"bindPort": 6443}}}
    discovery = {
        "bootstrapToken": {
            "apiServerEndpoint": "10.0.0.1:6443",
            "token": "a.b",
            "caCertHashes": ["sha256:c"],
        }
    }

    assert Credentials("a.b", "sha256:c").into(worker, "10.0.0.1:6443") == {**worker, "discovery": discovery}
    assert Credentials("a.b", "sha256:c", "key").into(plane, "10.0.0.1:6443") == {
        "kind": "JoinConfiguration",
        "controlPlane": {"localAPIEndpoint": {"bindPort": 6443}, "certificateKey": "key"},
        "discovery": discovery,
    }
    assert plane == {"kind": "JoinConfiguration", "controlPlane": {"localAPIEndpoint": {"bindPort": 6443}}}
