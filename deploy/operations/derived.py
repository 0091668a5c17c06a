"""Secrets that are made out of a password: a file for htpasswd, a login for pulls.

A hash is salted, so what is there cannot be made again to be compared. Beside it lie what it was made of, by
the password's sha256, and its own sha256: when both still fit it is right, and no value has been read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from dataclasses import dataclass
from typing import Any

import bcrypt
from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.kube import Read
from deploy.facts.secrets import Digested
from deploy.model.labels import OWNED
from deploy.observe import kube
from deploy.observe.secrets import Found, Secrets, Where
from deploy.operations import notes
from deploy.operations.kube import Commands, asked
from deploy.operations.signing import APPLY

ORIGIN, SUM = "origin", "sum"
# bcrypt's cost; the registry spends this long on every request (2^10 rounds, some 50 ms)
ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Htpasswd:
    """A line for htpasswd, by bcrypt: the only hash that distribution reads."""

    user: str

    def text(self, password: str) -> str:
        """Return the file, salted anew."""
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode()
        return f"{self.user}:{hashed}\n"

    def origin(self, digest: str) -> str:
        """Return what the file is made of."""
        return f"htpasswd {self.user} {digest}"


@dataclass(frozen=True, slots=True)
class Login:
    """A login for pulls, as `docker login` writes it."""

    user: str
    hostname: str

    def text(self, password: str) -> str:
        """Return the file."""
        auth = base64.b64encode(f"{self.user}:{password}".encode()).decode()
        login = {"username": self.user, "password": password, "auth": auth}
        return json.dumps({"auths": {self.hostname: login}}, sort_keys=True)

    def origin(self, digest: str) -> str:
        """Return what the file is made of."""
        return f"login {self.user} {self.hostname} {digest}"


@dataclass(frozen=True, slots=True)
class Target:
    """The Secret to make: `into` is the key of what is derived, `plain` one for the password beside it."""

    where: Where
    into: str
    plain: str | None = None
    type: str = "Opaque"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def unfit(there: Found | None, target: Target, form: Htpasswd | Login, digest: str) -> str | None:
    """Say why the target must be made anew; `digest` is the password's."""
    if there is None:
        return "is missing"
    if there.digests.get(ORIGIN) != _sha256(form.origin(digest)):
        return "was made of another password or for another user"
    if there.digests.get(SUM) != _sha256(there.digests.get(target.into, "")):
        return f"has another {target.into} than it was made with"
    if target.plain and there.digests.get(target.plain) != digest:
        return f"has another {target.plain}"
    return None


@operation()
def derived(source: Where, key: str, target: Target, form: Htpasswd | Login, until: str) -> Commands:
    """The target holds what is made of the source's password under `key`; `until` makes the source."""
    found: Secrets = host.get_fact(Digested, wanted=[source, target.where])
    if not asked(kube.Objects(found.reach, errors=found.errors)):
        yield _missing(source, key)
        return
    known = found.found
    origin = known.get(source)
    if origin is None or key not in origin.digests:
        notes.unknown_until(until)
        notes.reason(f"{source} has no {key} yet")
        yield _missing(source, key)
        return
    if (why := unfit(known.get(target.where), target, form, origin.digests[key])) is None:
        return
    notes.reason(f"{target.where} {why}")
    yield _apply(source, key, target, form)


def _missing(source: Where, key: str) -> StringCommand:
    """Return what an apply ends with when nothing has made the source before."""
    return StringCommand(f"echo {shlex.quote(f'{source} has no {key}')} >&2; exit 1")


def _apply(source: Where, key: str, target: Target, form: Htpasswd | Login) -> StringCommand:
    """Read the password and make the Secret of it; a plan needs neither."""
    command = f"{kube.ENVIRONMENT}; {APPLY}"
    if notes.listened_to():
        return StringCommand(command)
    read = host.get_fact(Read, paths=[source.path])
    for live in read.live.values():
        password = base64.b64decode(live["data"][key]).decode()
        return StringCommand(command, _stdin=json.dumps(secret(target, form, password)))
    raise HostError(f"{source} could not be read: {'; '.join(read.errors)}")


def secret(target: Target, form: Htpasswd | Login, password: str) -> dict[str, Any]:
    """Return the Secret."""
    text = form.text(password)
    values = {target.into: text, ORIGIN: form.origin(_sha256(password)), SUM: _sha256(text)}
    if target.plain:
        values[target.plain] = password
    stub = target.where.stub()
    return {
        **stub,
        "metadata": {**stub["metadata"], "labels": dict(OWNED)},
        "type": target.type,
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in values.items()},
    }
