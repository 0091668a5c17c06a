"""A model has one name, or a name by which nothing would be found is refused."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.gpu import models
from deploy.model import Vendor
from deploy.model.mistake import written
from deploy.plan import unsupported
from tests.unit.gpu.clusters import ARC, HOPPER, INSTINCT, cluster, mixed


@pytest.mark.parametrize(
    ("gpus", "said"),
    [
        pytest.param({**ARC, "model": "a770"}, '"a770" is written A770', id="small letters"),
        pytest.param(
            {**HOPPER, "model": "RTX-4090"}, '"RTX-4090" is written RTX 4090', id="another sign between"
        ),
        pytest.param({**INSTINCT, "model": "mi300x"}, '"mi300x" is written MI300X', id="AMD's"),
        pytest.param(
            {**ARC, "model": "A77O"},
            f'no card of intel is called "A77O"; there are: {", ".join(models.models(Vendor.INTEL))}',
            id="a letter for a digit",
        ),
    ],
)
def test_a_name_that_nothing_would_be_found_by_is_refused(gpus: dict[str, Any], said: str) -> None:
    mistakes = unsupported(cluster(gpus))

    assert [(written(each.place), each.text) for each in mistakes] == [("nodes[1].gpus.model", said)]


def test_known_names_are_taken_and_new_ones_of_vendors_whose_drivers_tell_product_names() -> None:
    assert models.mistakes(mixed()) == []
    assert models.mistakes(cluster({**HOPPER, "model": "H900"}, {**INSTINCT, "model": "MI900X"})) == []
