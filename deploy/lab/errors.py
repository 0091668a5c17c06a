"""What can go wrong with the lab."""

from __future__ import annotations

from deploy.errors import Exit, SlipwayError


class LabError(SlipwayError):
    """The lab could not be brought to the wanted state."""

    exit_code = Exit.FAILED


class LabUsageError(LabError):
    """The lab was asked for something that this machine, or the lab as it is, rules out."""

    exit_code = Exit.USAGE
