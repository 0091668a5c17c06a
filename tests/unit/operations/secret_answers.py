"""Secrets, and what a host says of them."""

from __future__ import annotations

import hashlib

from deploy.operations.secrets import Fixed, Generated, Where
from tests.unit.operations.conftest import digested

HOME = Where("slipway-system", "object-store")
USED = Where("object-store", "minio")
TLS = Where("registry", "registry-tls")
VALUES = {"access-key": Fixed("slipway"), "secret-key": Generated(40)}
KEYS = {"root-user": "access-key", "root-password": "secret-key"}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def there(where: Where, type_: str = "Opaque", **values: str) -> str:
    """What a host says of a Secret; `_` in a key stands for `-`."""
    named = {key.replace("_", "-"): text for key, text in values.items()}
    return digested(where.namespace, where.name, type_, named)
