"""What a check of a finished host is: a function that pytest can run as well, and what it saw."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from unittest import SkipTest

from checks.catalogue import Applies, Check, check
from checks.finding import Finding, Severity, Status
from deploy.errors import UnreachableError
from deploy.model import Cluster, Node

Function = TypeVar("Function", bound=Callable[..., None])


class UnreadError(Exception):
    """A fact could not be read, so nothing can be said."""


class Seen:
    """What a check found and wanted; it ends the check when the two do not agree.

    `severity` is for a check that knows how bad it is; otherwise the catalogue's holds.
    """

    def __init__(self) -> None:
        self.found = ""
        self.wanted = ""
        self.detail = ""
        self.severity: Severity | None = None

    def expect(self, *, found: object, wanted: object, detail: str = "") -> None:
        """Go on only when both are equal."""
        self.require(found == wanted, found=str(found), wanted=str(wanted), detail=detail)

    def require(self, good: bool, *, found: str, wanted: str, detail: str = "") -> None:
        """Go on only when it is good; several of these in one check add up."""
        self.found = ", ".join(part for part in (self.found, found) if part)
        self.wanted = ", ".join(part for part in (self.wanted, wanted) if part)
        self.detail = "\n".join(part for part in (self.detail, detail) if part)
        if not good:
            raise AssertionError(f"found {found}, wanted {wanted}" + (f"\n{detail}" if detail else ""))

    def skip(self, reason: str) -> None:
        """End the check: it does not apply here."""
        raise SkipTest(reason)

    def unread(self, what: str) -> None:
        """End the check: what it looks at could not be read, which is never good."""
        raise UnreadError(what)


@dataclass(frozen=True, slots=True)
class HostCheck:
    """A check function and its entry in the catalogue."""

    entry: Check
    function: Callable[..., None]

    def applies(self, cluster: Cluster, node: Node) -> bool:
        """Say whether a node is looked at."""
        if self.entry.distribution not in (None, cluster.kubernetes.distribution):
            return False
        if self.entry.group == "reg":
            return cluster.registry is not None
        if self.entry.applies is Applies.GPU:
            return bool(node.gpus)
        return self.entry.applies is not Applies.CONTROL_PLANE or node.is_control_plane

    def finding(self, host: str, values: Mapping[str, Any]) -> Finding:
        """Run it on a host; whatever goes wrong inside means that nothing could be said."""
        seen = Seen()
        known = {**values, "seen": seen}
        try:
            self.function(**{name: known[name] for name in inspect.signature(self.function).parameters})
        except AssertionError as error:
            seen.found = seen.found or str(error)
            return self._finding(host, Status.FAIL, seen, remedy=self.entry.remedy)
        except SkipTest as reason:
            seen.found = str(reason)
            return self._finding(host, Status.SKIPPED, seen)
        except UnreadError as what:
            seen.found = str(what)
            return self._finding(host, Status.UNAVAILABLE, seen)
        except UnreachableError:
            raise
        except Exception as error:  # noqa: BLE001 - a check that breaks must not end the others
            seen.found = f"{type(error).__name__}: {error}"
            return self._finding(host, Status.UNAVAILABLE, seen)
        if not seen.found:
            seen.found = "the check looked at nothing"
            return self._finding(host, Status.UNAVAILABLE, seen)
        return self._finding(host, Status.PASS, seen)

    def _finding(self, host: str, status: Status, seen: Seen, remedy: str = "") -> Finding:
        return Finding(
            check=self.entry.id,
            host=host,
            status=status,
            severity=seen.severity or self.entry.severity,
            found=seen.found,
            wanted=seen.wanted,
            detail=seen.detail,
            remedy=remedy,
            group=self.entry.group,
        )


def proves(id_: str) -> Callable[[Function], Function]:
    """Mark a function as the check of that id in the catalogue."""

    def mark(function: Function) -> Function:
        function.__dict__["proves"] = check(id_)
        return function

    return mark
