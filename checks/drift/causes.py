"""Which of tonight's faults are only what another one brings down with it: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto

from checks.finding import Finding, Status
from checks.report.report import NO_ANSWER, NO_ROOT, Key, key


class Spread(Enum):
    """How far a fault reaches."""

    HOST = auto()  # from a host to what is said of the same host
    UP = auto()  # from a host to what is said of the cluster
    AROUND = auto()  # from a host to what is said of any host
    DOWN = auto()  # from the cluster to everything


BRINGS_DOWN: Mapping[str, Mapping[Spread, tuple[str, ...]]] = {
    NO_ANSWER: {Spread.HOST: ("DRA-01", "K8S-01", "K8S-04", "RT-02"), Spread.UP: ("K8S-09",)},
    # CoreDNS' pods may be on that node, and an address may be announced by it
    "HOST-07": {Spread.HOST: ("K8S-15",), Spread.AROUND: ("K8S-06",), Spread.UP: ("LB-04",)},
    "K8S-03": {Spread.HOST: ("K8S-19",)},  # by whose certificate the API is asked
    "K8S-05": {Spread.HOST: ("K8S-09",)},
    "K8S-09": {Spread.DOWN: ("K8S-06", "LB-02", "LB-04")},
    "K8S-13": {Spread.HOST: ("DRA-01", "K8S-01", "K8S-03", "K8S-04", "RT-02"), Spread.UP: ("K8S-09",)},
    "K8S-14": {Spread.DOWN: ("K8S-03", "K8S-05", "K8S-15", "K8S-19", "RT-02")},
    "LB-02": {Spread.DOWN: ("LB-04",)},
    "LB-03": {Spread.DOWN: ("LB-04",)},
}
"""Checks, and those that cannot be well, or cannot be judged, where they fail."""
AWAY = (NO_ANSWER, NO_ROOT)  # where one of these fails, little or nothing else could be looked at
BAD = (Status.FAIL, Status.UNAVAILABLE)


def caused(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, each with the faults of the same night that it most likely comes from.

    Of a chain the first is named: who mends that has mended the rest.
    """
    failed = [each for each in findings if each.status is Status.FAIL]
    reaching = [each for each in failed if each.check in BRINGS_DOWN or each.check in AWAY]
    quoted = {each.found: key(each) for each in reversed(failed) if each.found}
    direct = {key(each): [*_direct(each, reaching, quoted)] for each in findings if each.status in BAD}
    return [replace(each, because=tuple(dict.fromkeys(_first(key(each), direct)))) for each in findings]


def _direct(effect: Finding, reaching: Sequence[Finding], quoted: Mapping[str, Key]) -> Iterator[Key]:
    """Yield what a fault comes from; of several that what is unread may quote, `quoted` has the first."""
    for cause in reaching:
        reach = BRINGS_DOWN.get(cause.check, {}).items()
        near = any(effect.check in ids and _reaches(how, cause.host, effect.host) for how, ids in reach)
        if near or _away(effect, cause):
            yield key(cause)
    if effect.status is Status.UNAVAILABLE and effect.found in quoted:
        yield quoted[effect.found]


def _away(effect: Finding, cause: Finding) -> bool:
    """Say whether something is silent for its host's sake, or for that of who speaks for the cluster.

    What AWAY finds names the host, and no other.
    """
    if cause.check not in AWAY or effect.check in (cause.check, NO_ANSWER):
        return False
    silent = effect.status is Status.UNAVAILABLE and effect.host == cause.host
    return silent or (bool(cause.found) and cause.found in effect.found)


def _reaches(how: Spread, cause: str | None, effect: str | None) -> bool:
    match how:
        case Spread.HOST:
            return cause is not None and cause == effect
        case Spread.UP:
            return cause is not None and effect is None
        case Spread.AROUND:
            return cause is not None and effect is not None
        case Spread.DOWN:
            return cause is None


def _first(effect: Key, direct: Mapping[Key, Sequence[Key]]) -> Iterator[Key]:
    for cause in direct.get(effect, ()):
        yield from _first(cause, direct) if direct[cause] else (cause,)
