"""Known faults of a running cluster: one table for `slipway lab break`, and for the tests of drift."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict, Field

from deploy.lab import hardware
from deploy.lab.errors import LabUsageError
from deploy.model.api_server import ADMIN

TABLES = tuple(Path(__file__).with_name(name) for name in ("faults.yaml", "faults_gpu.yaml"))
AS_ADMIN = f"export KUBECONFIG={ADMIN}"
EXPIRED = "@EXPIRED@"
FACE = re.compile(r"@FACE ([\w-]+)@")
IS_CONTROL_PLANE = f"test -e {ADMIN}"
HAS_GPUS = f"{AS_ADMIN}; kubectl get nodes --show-labels | grep -q slipway.dev/gpu-"


class Host(StrEnum):
    """Where a fault is made."""

    CONTROL_PLANE = "control-plane"
    WORKER = "worker"
    CLUSTER = "cluster"


class Fault(BaseModel):
    """An entry of the table: the next drift names it under `check`, or as a pending operation of `phase`.

    `found` and `wanted` are regular expressions that match what is said of it there; `operation` is how the
    operation's name begins. With `gpus` it is one of a lab of simulated GPUs (inventories/lab-gpus.yaml),
    where it is found alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    host: Host
    make: str
    check: Annotated[str, Field(pattern=r"^[A-Z0-9]+-\d\d$")] | None = None
    phase: str | None = None
    operation: str | None = None
    found: str | None = None
    wanted: str | None = None
    mend: str | None = None
    settles: float = 0.0
    gpus: bool = False

    @property
    def made(self) -> str:
        """The script that makes it."""
        return self._script(self.make)

    @property
    def mended(self) -> str | None:
        """The script that puts it right; None for what an apply puts right."""
        return None if self.mend is None else self._script(self.mend)

    def _script(self, text: str) -> str:
        if EXPIRED in text:
            text = text.replace(EXPIRED, expired())
        text = FACE.sub(lambda named: hardware.script(named[1]), text)
        return f"set -e\n{AS_ADMIN}\n{text}" if self.host is Host.CLUSTER else f"set -e\n{text}"


@lru_cache(maxsize=1)
def faults() -> dict[str, Fault]:
    """Return every fault by its name."""
    entries = {name: entry for table in TABLES for name, entry in yaml.safe_load(table.read_text()).items()}
    return {name: Fault.model_validate(entry) for name, entry in entries.items()}


def fault(name: str) -> Fault:
    """Return the fault of that name."""
    if name not in faults():
        raise LabUsageError(f"there is no fault {name!r}; known are: {', '.join(faults())}")
    return faults()[name]


def place(found: Fault, hosts: tuple[str, ...], true: Callable[[str, str], bool]) -> str:
    """Return the host of the lab that a fault is made on; `true` says whether a script succeeds on a host."""
    speaks = {name: true(name, IS_CONTROL_PLANE) for name in hosts}
    fitting = [name for name in hosts if speaks[name] is not (found.host is Host.WORKER)]
    if found.gpus and not any(true(name, HAS_GPUS) for name in hosts if speaks[name]):
        raise LabUsageError("this fault needs simulated GPUs: inventories/lab-gpus.yaml begins with how")
    if fitting and any(speaks.values()):
        return fitting[0]
    kind = "worker" if found.host is Host.WORKER and any(speaks.values()) else "control plane"
    raise LabUsageError(f"none of {', '.join(hosts)} is a {kind} of a cluster: slipway apply makes one")


def expired() -> str:
    """Return a certificate that ended yesterday, as PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "system:node:ended")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=366))
        .not_valid_after(now - timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode().rstrip()
