"""On which nodes a component may run."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from deploy.model.forms import LabelKey, LabelValue
from deploy.model.section import Section, setting
from deploy.model.values import Change, TaintEffect

# the label that every node has of itself, with its name
HOSTNAME = "kubernetes.io/hostname"


class TolerationOperator(StrEnum):
    """How a toleration's value is compared."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class Toleration(Section):
    """A taint that the component's pods tolerate."""

    key: LabelKey | None = setting(Change.ROLLING, "The taint's key; left out, every taint's.", default=None)
    operator: TolerationOperator | None = setting(
        Change.ROLLING, "Exists, or Equal; left out, Equal where a value is given.", default=None
    )
    value: LabelValue | None = setting(Change.ROLLING, "The taint's value.", default=None)
    effect: TaintEffect | None = setting(
        Change.ROLLING, "The taint's effect; left out, every one.", default=None
    )

    def as_object(self) -> dict[str, Any]:
        """Return it as a pod's spec wants it."""
        given = self.operator or (
            TolerationOperator.EXISTS if self.value is None else TolerationOperator.EQUAL
        )
        found = {"key": self.key, "operator": given.value, "value": self.value, "effect": self.effect}
        return {key: str(value) for key, value in found.items() if value is not None}


class Placement(Section):
    """The nodes that a component's pods may run on; left out, every node that takes pods."""

    node_selector: dict[LabelKey, LabelValue] = setting(
        Change.ROLLING, "The labels that its nodes have.", default_factory=dict
    )
    tolerations: tuple[Toleration, ...] = setting(
        Change.ROLLING, "The taints that its pods tolerate.", default=()
    )

    def as_pod(self) -> dict[str, Any]:
        """Return the part of a pod's spec that this is; nothing when nothing is declared."""
        part: dict[str, Any] = {}
        if self.node_selector:
            part["nodeSelector"] = dict(self.node_selector)
        if self.tolerations:
            part["tolerations"] = [each.as_object() for each in self.tolerations]
        return part
