"""Whether an earlier version of a model can stay where the next one comes to lie."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.model import Cluster
from deploy.model.mistake import Mistake
from deploy.model.model_volumes import declared, room
from deploy.model.sizes import in_bytes
from deploy.serving.fit import gib


def warnings(cluster: Cluster) -> Iterator[Mistake]:
    """Yield the volumes that all versions of a model share, and that have room to fetch the first alone."""
    for index, model in enumerate(cluster.models):
        size = declared(cluster, model).get(model.volume or "")
        two = in_bytes(model.weights) + room(model)
        if size is not None and in_bytes(size) < two:
            text = f"{model.volume} has {size}, and another version is fetched beside the one that is served,"
            text += f" which takes {gib(two)}; until it is larger, a new version has no room before the old"
            text += " one is removed"
            yield Mistake(("models", index, "volume"), text, involves=(("storage",),))
