"""Every check by its id: what it looks at, why, how much it weighs, and how to mend what it finds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from checks.finding import Severity
from deploy.errors import InventoryError
from deploy.model import Cluster, Distribution
from deploy.model.mistake import Mistake

DATA = Path(__file__).with_name("catalogue.yaml")


class Phase(StrEnum):
    """When a check is judged: on bare hosts, after an install, every night."""

    PREFLIGHT = "preflight"
    VERIFY = "verify"
    DRIFT = "drift"


class Applies(StrEnum):
    """Which hosts a check is about."""

    ALL = "all"
    CONTROL_PLANE = "control-plane"
    STORAGE = "storage"
    GPU = "gpu"
    INTEL = "intel"
    AMD = "amd"
    NVIDIA = "nvidia"


class Fix(StrEnum):
    """Whether `--fix` mends it: safely, only when asked for by its exact id, or never."""

    YES = "yes"
    ASK = "ask"
    NO = "no"


class UnknownCheckError(InventoryError):
    """An id that no check has."""


@dataclass(frozen=True, slots=True)
class Check:
    """An entry of catalogue.yaml.

    `mended_by` names the phase of an apply that makes the title true, so that a preflight only warns.
    """

    id: str
    title: str
    phases: tuple[Phase, ...]
    severity: Severity
    applies: Applies
    looks_at: str
    why: str
    remedy: str
    fix: Fix = Fix.NO
    distribution: Distribution | None = None
    mended_by: str | None = None
    sources: tuple[str, ...] = ()

    @property
    def of_gpus(self) -> bool:
        """Whether it looks at hosts for their GPUs' sake."""
        return self.applies in (Applies.GPU, Applies.INTEL, Applies.AMD, Applies.NVIDIA)

    @property
    def group(self) -> str:
        """The part of the id that a report's section is named after: `host` of HOST-03."""
        return self.id.rpartition("-")[0].lower()


def url(source: str) -> str:
    """Return a source as something that can be opened: owner/repo#7 is an issue of that repository."""
    repository, hash_sign, number = source.partition("#")
    if hash_sign and repository.count("/") == 1:
        return f"https://github.com/{repository}/issues/{number}"
    if source.startswith("https://"):
        return source
    repository, _, path = source.partition(" ")
    return f"https://github.com/{repository}/blob/HEAD/{path}"


def _check(id_: str, entry: Mapping[str, Any]) -> Check:
    distribution = entry.get("distribution")
    return Check(
        id=id_,
        title=entry["title"],
        phases=tuple(Phase(phase) for phase in entry["phases"]),
        severity=Severity(entry["severity"]),
        applies=Applies(entry["applies"]),
        looks_at=entry["looks_at"],
        why=entry["why"],
        remedy=entry["remedy"],
        fix=Fix(entry["fix"]),
        distribution=None if distribution is None else Distribution(distribution),
        mended_by=entry.get("mended_by"),
        sources=tuple(entry.get("sources", ())),
    )


@lru_cache(maxsize=1)
def all_checks() -> Mapping[str, Check]:
    """Return every check by its id, in the catalogue's order."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries = yaml.load(DATA.read_text(), Loader=loader)  # noqa: S506 - the safe loader, in C where it was built
    return MappingProxyType({id_: _check(id_, entry) for id_, entry in entries.items()})


def of_phase(phase: Phase) -> tuple[Check, ...]:
    """Return the checks that are judged in a phase."""
    return tuple(check for check in all_checks().values() if phase in check.phases)


def unknown(cluster: Cluster) -> Iterator[Mistake]:
    """Yield what is accepted in an inventory under an id that no check has, or that no night judges."""
    accepted = [
        *((("ignore", index, "check"), each.check) for index, each in enumerate(cluster.ignore)),
        *((("drift_ignore", index, "check"), each.check) for index, each in enumerate(cluster.drift_ignore)),
    ]
    for place, id_ in accepted:
        known = all_checks().get(id_ or "")
        if id_ is not None and known is None:
            yield Mistake(place, f"there is no check {id_}; {_hint(id_)}")
        elif known is not None and place[0] == "drift_ignore" and Phase.DRIFT not in known.phases:
            when = " and ".join(known.phases)
            text = f"no night judges {known.id} ({known.title}), {when} does: it belongs under ignore"
            yield Mistake(place, text)


def check(id_: str) -> Check:
    """Return the check of that id; upper and lower case are the same."""
    known = all_checks()
    wanted = id_.strip().upper()
    if wanted in known:
        return known[wanted]
    raise UnknownCheckError(f"there is no check {id_!r}; {_hint(wanted)}")


def _hint(wanted: str) -> str:
    """Return what was probably meant: an id of nearly that spelling, or titles with that word."""
    padded = re.sub(r"-(\d)$", r"-0\1", wanted)
    if near := difflib.get_close_matches(padded, all_checks(), n=1, cutoff=0.8):
        return f"the nearest is {near[0]}: {all_checks()[near[0]].title}"
    about = [each.id for each in all_checks().values() if wanted.lower() in each.title.lower()]
    return f"{', '.join(about)} speak of it" if about else "`slipway explain` lists all"
