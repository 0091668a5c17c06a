"""A model has one name, or a name by which nothing would be found is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from deploy.gpu import Need, models, wired
from deploy.gpu.need import GIB
from deploy.model import Gpus, Vendor
from deploy.model.mistake import written
from deploy.observe.cards import Gpu, cards
from deploy.plan import unsupported
from deploy.steps import gpu_stack
from tests.unit.checks.machines import device
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
        pytest.param(
            {**HOPPER, "model": "a770"},
            "A770 is a card of intel, and the vendor here is nvidia; correct one of them",
            id="another vendor's",
        ),
    ],
)
def test_a_name_that_nothing_would_be_found_by_is_refused(gpus: dict[str, Any], said: str) -> None:
    mistakes = unsupported(cluster(gpus))

    assert [(written(each.place), each.text) for each in mistakes] == [("nodes[1].gpus.model", said)]


def test_known_names_are_taken_and_new_ones_of_vendors_whose_drivers_tell_product_names() -> None:
    assert models.mistakes(mixed()) == []
    assert models.mistakes(cluster({**HOPPER, "model": "H900"}, {**INSTINCT, "model": "MI900X"})) == []


def test_of_a_name_that_is_not_known_it_is_said_what_is_not_judged() -> None:
    doubts = models.warnings(cluster({**HOPPER, "model": "H900"}, {**INSTINCT, "model": "RX 7900"}))
    by_claim = models.warnings(cluster({**INSTINCT, "model": "RX 7900", "allocation": "dra"}))

    assert [(written(each.place), each.text) for each in doubts] == [
        (
            "nodes[1].gpus.model",
            (
                '"H900" is not known here: pods get cards that have it in their product name, and neither'
                " memory nor link is judged"
            ),
        )
    ]
    assert [each.text for each in by_claim] == [
        (
            "AMD's DRA driver tells no product name of a Radeon as a rule, and claims by model then wait;"
            " use allocation: device-plugin"
        )
    ]


def test_a_pci_id_is_no_name() -> None:
    with pytest.raises(ValidationError, match="String should match pattern"):
        cluster({**HOPPER, "model": "10de:2786"})


def test_a_card_of_an_unknown_id_may_have_any_name_but_for_intels() -> None:
    known, unknown = (
        Gpu(Vendor.NVIDIA, device("0000:1b:00.0", "10de", id_, None, bar=GIB), cards().get(("10de", id_)))
        for id_ in ("2330", "9999")
    )
    strange = Gpu(Vendor.INTEL, device("0000:03:00.0", "8086", "9999", None, bar=GIB), None)

    assert models.may_be(known, Gpus.model_validate(HOPPER))
    assert not models.may_be(known, Gpus.model_validate({**HOPPER, "model": "RTX 9090"}))
    assert models.may_be(unknown, Gpus.model_validate({**HOPPER, "model": "RTX 9090"}))
    assert not models.may_be(unknown, Gpus.model_validate(INSTINCT))
    assert not models.may_be(strange, Gpus.model_validate(ARC))


def test_a_new_card_is_claimed_and_labelled_by_its_declared_name() -> None:
    declared = cluster({**HOPPER, "model": "RTX 4071"})
    [template] = wired(declared, Need(Vendor.NVIDIA), "x", "models").objects
    [selector] = template["spec"]["spec"]["devices"]["requests"][0]["exactly"]["selectors"]

    assert '"(?i)(^|[^a-z0-9])(rtx[^a-z0-9]*4071)([^a-z0-9]|$)"' in selector["cel"]["expression"]
    labels = gpu_stack.labels(declared, declared.node("w1"), Vendor.NVIDIA)
    assert labels["slipway.dev/gpu-nvidia-model"] == "RTX-4071"
