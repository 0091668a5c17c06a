"""What a reader of a run's numbers must know of the model."""

from __future__ import annotations

from deploy.load.notes import DUMMY
from deploy.model.serving import Accelerator, Model


def about(model: Model) -> str:
    """Return what makes its numbers others than a user would expect: `dummy weights, CPU`."""
    parts = [DUMMY] if model.is_random else []
    return ", ".join([*parts, *(["CPU"] if model.computed_on is Accelerator.CPU else [])])
