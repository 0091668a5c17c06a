"""Cards of one vendor side by side in a node: whether pods can be given those of one model and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deploy.catalog import gpu as names
from deploy.gpu.models import longer
from deploy.gpu.selectors import pattern
from deploy.gpu.wiring import resource_of
from deploy.model import Allocation, Cluster, Gpus
from deploy.model.gpu_rules import pairs
from deploy.model.mistake import Mistake, written


def mistakes(cluster: Cluster) -> list[Mistake]:
    """Return the pairs of which a pod would get either."""
    return [*_counted_together(cluster), *_named_together(cluster)]


def _counted_together(cluster: Cluster) -> Iterator[Mistake]:
    for (place, gpus), (before, other) in pairs(cluster):
        by_number = {gpus.allocation, other.allocation} == {Allocation.DEVICE_PLUGIN}
        resource = resource_of(cluster, gpus)
        if by_number and gpus.model != other.model and resource == resource_of(cluster, other):
            text = (
                f"{gpus.vendor}'s device plugin offers these and those of {written(before)} as {resource},"
                " and a pod cannot say which it wants; use allocation: dra for both, or take one out of the"
                " node"
            )
            yield Mistake(place, text, involves=(before,))


def _named_together(cluster: Cluster) -> Iterator[Mistake]:
    for (place, gpus), (before, other) in pairs(cluster):
        for inner, outer in ((gpus, other), (other, gpus)):
            if inner.model != outer.model and _is_in(inner, outer):
                text = f'"{inner.model}" is in the name {outer.model} too, so that one is taken for the other'
                yield Mistake(
                    (*place, "model"), f"{text}; write more of its name", involves=((*before, "model"),)
                )


def _is_in(inner: Gpus, outer: Gpus) -> bool:
    """Say whether cards of one model are found by the other's name; of known models the longer is known."""
    if names.names(inner.vendor).model.names != "words":
        return False
    found = re.search(pattern((inner.model,)), outer.model)
    return bool(found) and outer.model not in longer(inner.vendor, inner.model)
