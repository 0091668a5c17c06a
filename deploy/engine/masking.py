"""What must not be read in a log or a report, whatever wrote it there."""

from __future__ import annotations

import re

MASK = "*MASKED*"
SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"),  # a kubeadm token
    re.compile(r"(?<=--certificate-key )\S+|(?<=certificateKey: )\S+"),
    re.compile(r"(?<=Bearer )\S+|(?<=password: )\S+|(?<=password=)\S+|(?<=--password )\S+", re.IGNORECASE),
    re.compile(r"(?<=client-key-data: )\S+|(?<=token: )\S+"),
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"),  # a JSON web token
)


def masked(text: str) -> str:
    """Return a text without the secrets that its form gives away."""
    for secret in SECRETS:
        text = secret.sub(MASK, text)
    return text
