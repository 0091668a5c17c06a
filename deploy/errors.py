"""What an operator can get wrong, and what the world can do to a run."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the tool exits with; when several hold, the one that `worst` names."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    FAILED = 3
    WARNINGS = 4
    PENDING = 5
    UNREACHABLE = 6


_PRECEDENCE = (Exit.USAGE, Exit.INTERNAL, Exit.UNREACHABLE, Exit.FAILED, Exit.PENDING, Exit.WARNINGS, Exit.OK)


def worst(*codes: Exit) -> Exit:
    """Return the code that says most: 2 > 1 > 6 > 3 > 5 > 4 > 0."""
    return min(codes, key=_PRECEDENCE.index, default=Exit.OK)


class SlipwayError(Exception):
    """Something the operator can mend: the text says where, what was found, what was wanted, what to do."""

    exit_code: Exit = Exit.INTERNAL


class InventoryError(SlipwayError):
    """The inventory, or the way the tool was called, cannot be used as it is."""

    exit_code = Exit.USAGE


class HostError(SlipwayError):
    """A host answered, but not as it must."""

    exit_code = Exit.FAILED


class UnreachableError(SlipwayError):
    """A host did not answer."""

    exit_code = Exit.UNREACHABLE


class RunError(SlipwayError):
    """A run began and could not be finished; what is done stays done, and running again goes on."""

    exit_code = Exit.FAILED
