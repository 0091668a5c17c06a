"""Whether a volume that all versions of a model share has room for two."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.model.mistake import written
from deploy.serving import mistakes
from tests.unit.serving.clusters import EXPORT, HUB, cluster

TIGHT = (
    "models[0].volume: shared has {size}, and another version is fetched beside the one that is served, which"
    " takes 51.2 GiB; until it is larger, a new version has no room before the old one is removed"
)


def warned(size: str, **changes: Any) -> list[str]:
    storage = {"path": "/data/volumes", "nfs": [{**EXPORT, "size": size}]}
    found = mistakes.warnings(cluster({**HUB, "kv_cache": "1Gi", **changes}, storage=storage))
    return [f"{written(each.place)}: {each.text}" for each in found]


@pytest.mark.parametrize(("size", "said"), [("52Gi", []), ("51Gi", [TIGHT.format(size="51Gi")])])
def test_another_version_of_16_gi_wants_room_beside_the_first(size: str, said: list[str]) -> None:
    assert warned(size) == said


def test_volumes_that_are_made_for_each_version_are_not_judged() -> None:
    made = {"volume": None, "storage_class": "ceph", "shared_volume": True}

    assert warned("1Gi", **made) == []
