from __future__ import annotations

import pytest

from deploy.load.about import about
from deploy.model.serving import Model


def model(**more: object) -> Model:
    known = {
        "name": "tiny",
        "source": {"s3": "s3://models/tiny"},
        "weights": "1Gi",
        "memory": "4Gi",
        "context": 256,
    }
    return Model.model_validate({**known, **more})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"accelerator": "cpu", "arguments": ["--load-format", "dummy"]}, "dummy weights, CPU"),
        ({"accelerator": "cpu", "arguments": ["--load-format=dummy"]}, "dummy weights, CPU"),
        ({"accelerator": "cuda", "arguments": ["--load-format=dummy"]}, "dummy weights"),
        ({"accelerator": "cpu"}, "CPU"),
        ({"accelerator": "cuda"}, ""),
        ({"gpus": {"vendor": "intel"}}, ""),
    ],
)
def test_what_a_model_is_not_is_said_with_its_numbers(given: dict[str, object], expected: str) -> None:
    assert about(model(**given)) == expected
