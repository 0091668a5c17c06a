"""Parts of GPUs: what a node's cards are cut into, and how many devices come of it."""

from __future__ import annotations

from deploy.catalog import gpu_support
from deploy.model import ComputePartition, Gpus

WHOLE = "all-disabled"


def profile_of(gpus: Gpus) -> str | None:
    """Return what every card of a node is cut into: 1g.10gb, cpx_nps4; None where cards are whole."""
    cut = gpus.partitioning
    if cut is None:
        return None
    if cut.mig:
        return None if cut.mig == WHOLE else cut.mig.removeprefix("all-")
    whole = cut.compute in (None, ComputePartition.SPX)
    return None if whole else f"{cut.compute}_{cut.memory}".lower()


def devices(gpus: Gpus) -> int:
    """Return how many devices a node gives away at least: its cards, their parts, their shares."""
    return gpus.count * _parts(gpus) * (gpus.sharing.replicas if gpus.sharing else 1)


def are_all(gpus: Gpus, found: int) -> bool:
    """Say whether so many devices are all that a node's cards make; parts of a card are alike on all of them.

    One model may have cards of two sizes, of which the larger makes more parts of a name.
    """
    least = devices(gpus)
    return found == least or (profile_of(gpus) is not None and found > least and found % gpus.count == 0)


def _parts(gpus: Gpus) -> int:
    cut, known = gpus.partitioning, gpu_support.load()
    if cut and cut.compute:
        return known.amd_parts[cut.compute]
    return known.nvidia_mig.get(gpus.model, {}).get(profile_of(gpus) or "", 1)
