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
        ({"accelerator": "cpu", "random_weights": True}, "dummy weights, CPU"),
        ({"gpus": {"vendor": "intel"}, "image": "docker.io/vllm/vllm-openai-cpu:v0.32.0"}, "CPU"),
        ({"gpus": {"vendor": "intel"}, "image": f"10.0.0.3:5000/vllm-openai-cpu@sha256:{'a' * 64}"}, "CPU"),
        ({"gpus": {"vendor": "intel"}, "image": "docker.io/intel/llm-scaler-vllm:0.14.0-b8.1"}, ""),
    ],
)
def test_what_a_model_is_not_is_said_with_its_numbers(given: dict[str, object], expected: str) -> None:
    assert about(model(**given)) == expected
