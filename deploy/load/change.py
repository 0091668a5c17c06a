"""A number of two runs, side by side."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from deploy.load.level import Load


class Verdict(StrEnum):
    """What a limit says of a change; nothing when it is within it, or when there is no limit."""

    NONE = ""
    WORSE = "worse"
    TOO_FEW = "too few to judge"


class Change(BaseModel):
    """A measure then and now; None is unknown. `more` says that more is better; errors are shares of one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    load: Load
    measure: str
    before: float | None
    after: float | None
    more: bool
    ratio: float | None
    verdict: Verdict
