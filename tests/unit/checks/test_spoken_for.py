"""What the catalogue says is looked at, and when, somebody looks at then; and nothing else is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from checks.acceptance import gpu_verdicts
from checks.acceptance.backend import Ran
from checks.acceptance.gates import Gate
from checks.acceptance.verify import Verify
from checks.catalogue import Phase, all_checks
from checks.collect.observed import Observed
from checks.drift import night
from checks.finding import Finding, Status
from checks.preflight import preflight
from deploy.catalog import Lock
from deploy.catalog.lock import _Document
from deploy.errors import UnreachableError
from deploy.model import Cluster
from tests.unit.checks.machines import cluster
from tests.unit.checks.well import K3S, MODEL, cases

LOCK = Lock(Path("home.lock.yaml"), _Document.model_validate({"files": {}, "images": {}}))
SERVED = {
    "object_store": {"provider": "minio", "size": "20Gi"},
    "registry": {"provider": "distribution", "hostname": "registry.home.arpa", "storage": "filesystem"},
    "models": [
        {
            **MODEL,
            "source": {"hub": "org/tiny", "revision": "a" * 40},
            "expose": "gateway",
            "gateway": {"name": "inference", "namespace": "gateways"},
        }
    ],
}
# what pods prove after GPU-14; tests/unit/acceptance sees them pass and fail
BY_PODS = {
    gpu_verdicts.ONCE,
    gpu_verdicts.SHARED,
    gpu_verdicts.WATCHED,
    gpu_verdicts.RETURNED,
}
OF_THE_TIMER = {"OPS-01"}  # checks/drift/overdue.py


@dataclass
class Silent:
    """A session whose hosts were there a moment ago, and say nothing."""

    cluster: Cluster
    unreachable: dict[str, str] = field(default_factory=dict)
    rootless: tuple[str, ...] = ()

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        raise UnreachableError(f"{host}: {command} {stdin!r} {timeout}")


def wide(**changes: object) -> Cluster:
    """A cluster with everything in it: GPUs of each vendor, a store, a registry, a model."""
    nodes = [each.model_dump(mode="json") for each in cluster().nodes]
    nodes += [
        {
            "name": "a1",
            "address": "192.168.1.13",
            "roles": ["worker"],
            "gpus": {"vendor": "amd", "model": "MI300X", "count": 8},
        },
        {
            "name": "n1",
            "address": "192.168.1.14",
            "roles": ["worker"],
            "gpus": {"vendor": "nvidia", "model": "H100", "count": 8},
        },
        {
            "name": "n2",
            "address": "192.168.1.15",
            "roles": ["worker"],
            "gpus": {"vendor": "intel", "model": "B60", "count": 1, "allocation": "device-plugin"},
        },
    ]
    return cluster(nodes=nodes, **SERVED, **changes)


def said(findings: Iterable[Finding]) -> set[str]:
    return {each.check for each in findings if each.status is not Status.SKIPPED}


def in_preflight() -> Iterator[str]:
    for inventory, hosts in cases():
        yield from said(preflight(inventory, hosts))


def in_verify() -> Iterator[str]:
    for inventory in (wide(), wide(kubernetes=K3S)):
        yield from said(Verify(inventory, Silent(inventory), LOCK, "run").active())
    yield from BY_PODS


def in_a_night(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(night, "API", Gate("the API server", 0.0))
    worlds = [*cases(), (wide(), ()), (wide(kubernetes=K3S), ())]
    for inventory, hosts in worlds:
        seen = tuple(unprobed(each) for each in hosts)
        monkeypatch.setattr(
            night, "collect", lambda *_, seen=seen: SimpleNamespace(observations=lambda: seen)
        )
        yield from said(night._checks(Silent(inventory), inventory, LOCK))  # type: ignore[arg-type]
    yield from OF_THE_TIMER


def unprobed(host: Observed) -> Observed:
    """A night probes nothing."""
    return replace(host, active=False, mesh=None, fsync=None, speed=None, arp=None)


def promised(phase: Phase) -> set[str]:
    return {each.id for each in all_checks().values() if phase in each.phases}


def differing(promised: set[str], looked_at: Iterator[str]) -> tuple[list[str], list[str]]:
    """Return what nobody looks at, and what is said without a word of it in the catalogue."""
    seen = {*looked_at}
    return sorted(promised - seen), sorted(seen - promised)


def test_a_preflight_looks_at_what_the_catalogue_says() -> None:
    assert differing(promised(Phase.PREFLIGHT), in_preflight()) == ([], [])


def test_a_verify_looks_at_what_the_catalogue_says() -> None:
    assert differing(promised(Phase.VERIFY), in_verify()) == ([], [])


def test_a_night_looks_at_what_the_catalogue_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert differing(promised(Phase.DRIFT), in_a_night(monkeypatch)) == ([], [])
