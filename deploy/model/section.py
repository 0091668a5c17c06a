"""What inventories are made of: closed sections, and keys that know what changing them means."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from deploy.model.values import Change


def setting(change: Change, description: str, *, instead: str | None = None, **kwargs: Any) -> Any:
    """Declare a key: what it is, and what changing it on a living cluster means.

    `instead` says what to do when an immutable key must change after all; the schema shows it too.
    """
    extra: dict[str, JsonValue] = {"change": change.value}
    if instead:
        extra["instead"] = instead
    return Field(description=description, json_schema_extra=dict(extra), **kwargs)


class Section(BaseModel):
    """A part of the inventory: frozen, and an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
