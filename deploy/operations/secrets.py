"""Secrets of the cluster: made once and kept, copied to where they are used, certified by the cluster's CA.

Values travel on standard input or are made on the host; they are compared by their sha256.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets as randomness
import shlex
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.secrets import Certificate, Digested
from deploy.model import SecretRef
from deploy.model.labels import OWNED
from deploy.model.secret import value
from deploy.observe import authority, kube
from deploy.observe.secrets import Found, Secrets, Where
from deploy.operations import notes, signing
from deploy.operations.kube import Commands, asked

__all__ = [
    "HOME",
    "Copy",
    "Fixed",
    "Generated",
    "Given",
    "Keep",
    "Value",
    "Where",
    "certified",
    "copied",
    "kept",
    "referred",
]

HOME = "slipway-system"
OPAQUE = "Opaque"
ALPHABET = string.ascii_letters + string.digits
NOTHING = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that is no secret by itself, such as a user's name."""

    text: str


@dataclass(frozen=True, slots=True)
class Generated:
    """A value of letters and digits that is made once; the one that is there stays."""

    length: int = 32


@dataclass(frozen=True, slots=True)
class Given:
    """A value that the operator keeps; `home` is the inventory's directory."""

    ref: SecretRef
    home: Path = Path()


Value = Fixed | Generated | Given


def referred(ref: SecretRef, home: Path, length: int = 32) -> Value:
    """Return what a reference of the inventory means; `home` is the inventory's directory."""
    return Generated(length) if ref.generate else Given(ref, home)


def _text(wanted: Value) -> str:
    match wanted:
        case Fixed(text):
            return text
        case Given(ref, home):
            return value(ref, home)
        case Generated(length):
            return "".join(randomness.choice(ALPHABET) for _ in range(length))


def _wrong(wanted: Value, digest: str | None) -> str | None:
    """Say why a value must be written: it is missing, or another one than is given."""
    if digest is None or (isinstance(wanted, Generated) and digest == NOTHING):
        return "is missing"
    if isinstance(wanted, Generated) or hashlib.sha256(_text(wanted).encode()).hexdigest() == digest:
        return None
    return "differs"


@dataclass(frozen=True, slots=True)
class Keep:
    """A Secret that shall have these values."""

    where: Where
    values: Mapping[str, Value]


@operation()
def kept(wanted: Sequence[Keep], until: str) -> Commands:
    """Each Secret has its values; one that was generated is never changed. `until` is the phase it is of."""
    known = _read([each.where for each in wanted]) or {}
    for each in wanted:
        yield from _kept(each.where, each.values, known.get(each.where), until)


def _kept(where: Where, values: Mapping[str, Value], there: Found | None, until: str) -> Commands:
    if there is None:
        notes.reason(f"{where} is missing; {until} makes it")
        yield _made(where, values)
        return
    wrong = {key: why for key, wanted in values.items() if (why := _wrong(wanted, there.digests.get(key)))}
    for key, why in wrong.items():
        notes.reason(f"{where}: {key} {why}")
    if wrong:
        patch = shlex.join(["kubectl", "patch", "secret", where.name, f"--namespace={where.namespace}"])
        yield StringCommand(
            # sshd's stdin is a socket, which cannot be opened by its name: cat makes a pipe of it
            f"{kube.ENVIRONMENT}; cat | {patch} --type=merge --patch-file=/dev/stdin >/dev/null",
            _stdin=json.dumps({"data": _data({key: values[key] for key in wrong})}),
        )


def _made(where: Where, values: Mapping[str, Value]) -> StringCommand:
    home = shlex.quote(where.namespace)
    there = f"kubectl get namespace {home} >/dev/null 2>&1 || kubectl create namespace {home} >/dev/null"
    metadata = {**where.stub()["metadata"], "labels": OWNED}
    made = {**where.stub(), "metadata": metadata, "type": OPAQUE, "data": _data(values)}
    return StringCommand(
        f"{kube.ENVIRONMENT}; {{ {there}; }} && kubectl create -f - >/dev/null", _stdin=json.dumps(made)
    )


def _data(values: Mapping[str, Value]) -> dict[str, str]:
    return {key: base64.b64encode(_text(wanted).encode()).decode() for key, wanted in values.items()}


def _read(wanted: Sequence[Where]) -> Mapping[Where, Found] | None:
    """Return which of the Secrets are there; None without a cluster. Raise when that cannot be said."""
    found: Secrets = host.get_fact(Digested, wanted=list(wanted))
    return found.found if asked(kube.Objects(found.reach, errors=found.errors)) else None


@dataclass(frozen=True, slots=True)
class Copy:
    """A Secret that shall have another's values; `keys` are its own by name, each with the source's.

    `until` is the phase that makes the source.
    """

    source: Where
    target: Where
    keys: Mapping[str, str]
    until: str


@operation()
def copied(wanted: Sequence[Copy]) -> Commands:
    """Each target has its source's values."""
    known = _read(sorted({where for each in wanted for where in (each.source, each.target)})) or {}
    targets = ((each.target, known[each.target].type) for each in wanted if each.target in known)
    if foreign := [
        f"{target} is of type {type_}, wanted {OPAQUE}, which cannot be changed; look whose it is,"
        " delete it, then apply again"
        for target, type_ in targets
        if type_ != OPAQUE
    ]:
        raise HostError("\n".join(foreign))
    for each in wanted:
        yield from _copied(each, known.get(each.source), known.get(each.target))


def _copied(copy: Copy, origin: Found | None, there: Found | None) -> Commands:
    source, target, keys = copy.source, copy.target, copy.keys
    missing = [key for key in keys.values() if origin is None or key not in origin.digests]
    if missing:
        notes.unknown_until(copy.until)
        notes.reason(f"{source} has no {', '.join(missing)} yet")
    elif there is None:
        notes.reason(f"{target} is missing")
    if origin is not None and there is not None and not missing:
        other = [key for key, of in keys.items() if there.digests.get(key) != origin.digests[of]]
        if not other:
            return
        notes.reason(f"{target}: {', '.join(other)} is not as in {source}")
    yield StringCommand(_copy(source, target, keys))


def _copy(source: Where, target: Where, keys: Mapping[str, str]) -> str:
    """Return what has kubectl write the target out of the source: no value leaves their pipe."""
    values = {key: f'{{{{index .data "{of}"}}}}' for key, of in keys.items()}
    wish: dict[str, Any] = {**target.stub(), "type": OPAQUE, "data": values}
    wish["metadata"] = {**wish["metadata"], "labels": OWNED}
    # json escapes the quotes of the template's own strings
    template = json.dumps(wish).replace('{{index .data \\"', '{{index .data "').replace('\\"}}', '"}}')
    read = shlex.join(["kubectl", "get", "secret", source.name, f"--namespace={source.namespace}", "-o"])
    incomplete = shlex.quote(f"{source} lacks one of {', '.join(sorted(set(keys.values())))}")
    return "\n".join(
        [
            kube.ENVIRONMENT,
            f"wish=$({read} {shlex.quote(f'go-template={template}')}) || exit 1",
            f"case $wish in *'<no value>'*) echo {incomplete} >&2; exit 1;; esac",
            f'printf %s "$wish" | {signing.APPLY}',
        ]
    )


@operation()
def certified(target: Where, names: Sequence[str], until: str, addresses: Sequence[str] = ()) -> Commands:
    """The target holds a key and a certificate for these names that the cluster's CA signed.

    It is made anew when a third of its life is left, or the names change. `until` is the phase it is of.
    """
    found = host.get_fact(Certificate, where=target)
    if asked(kube.Objects(found.reach, errors=found.errors)):
        if found.authority is None:
            raise HostError(signing.NO_AUTHORITY)
        if (why := authority.unfit(found, [*names, *addresses], datetime.now(UTC))) is None:
            return
        served = "; pods that serve the one that is there start anew" if found.certificate else ""
        notes.reason(f"the certificate in {target} is made in {until}: {why}{served}")
    yield StringCommand(signing.script(target, names, addresses))
