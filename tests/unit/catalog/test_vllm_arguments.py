"""The engine's arguments: known before the engine is asked, and none that slipway sets itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.catalog import load, vllm_arguments
from deploy.catalog.vllm_arguments_source import added, declared, kinds
from deploy.model.serving import Model

MODEL = {"name": "tiny", "source": {"pvc": "tiny"}, "weights": "1Gi", "memory": "4Gi", "context": 256}
SECRET = "a secret does not belong into an inventory or a command line; set models[].{} instead"


def said(*arguments: str, image: str | None = None) -> list[str]:
    model = Model.model_validate({**MODEL, "arguments": arguments, "image": image})
    return [mistake.text for mistake in vllm_arguments.check(model, ("models", 0, "arguments"))]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--enforce-eager", "--load-format", "dummy"),
        ("--load_format=dummy", "--no-enable-prefix-caching", "--disable-log-stats"),
        ("--seed", "-1", "-ep", "--lora-modules", "a=/a", "b=/b"),
        ("--compilation-config.mode", "3", "-cc={}"),
    ],
)
def test_what_vllm_takes_is_taken(arguments: tuple[str, ...]) -> None:
    assert said(*arguments) == []


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("--device", "xpu"), ["vLLM 0.32.0 has no argument --device; did you mean --device-ids?"]),
        (("--swap-space=4",), ["vLLM 0.32.0 has no argument --swap-space"]),
        (
            ("--no-load-format",),
            ["vLLM 0.32.0 has no argument --no-load-format; did you mean --load-format?"],
        ),
        (("--enforce-eager=true",), ["--enforce-eager takes no value; leave out =true"]),
        (("--load-format",), ["--load-format takes a value, and none follows; write --load-format=VALUE"]),
        (("eager",), ['"eager" belongs to no argument; write it behind one']),
        (("--enforce-eager", "true"), ['"true" belongs to no argument; write it behind one']),
        (("--max-model-len=8",), ["slipway sets --max-model-len itself; set models[].context instead"]),
        (("-tp", "2"), ["slipway sets -tp itself; set models[].tensor_parallel instead"]),
        (("--port=80",), ["slipway sets --port itself; leave it out"]),
        (("--grpc",), ["--grpc starts a server that asks for no key and knows no HTTP; leave it out"]),
        (("--headless",), ["--headless starts no server; leave it out"]),
        (("-dp=2",), ["slipway sets -dp itself; set models[].data_parallel instead"]),
        (("--data_parallel_rank", "1"), [f"--data_parallel_rank {vllm_arguments.SEVERAL}; leave it out"]),
        (("-n=2",), [f"-n {vllm_arguments.SEVERAL}; leave it out"]),
        (
            ("-pcp=2",),
            ["-pcp takes more GPUs than models[].gpus asks for; leave it out"],
        ),
        (("--ssl-keyfile=/x",), [f"--ssl-keyfile {vllm_arguments.SSL}; leave it out"]),
        (("--enable-ssl-refresh",), [f"--enable-ssl-refresh {vllm_arguments.SSL}; leave it out"]),
        (("--api-key", "sk-1"), [SECRET.format("api_key")]),
        (("--hf-token=hf_1",), [SECRET.format("source.token")]),
    ],
)
def test_what_it_does_not_take_is_said_with_what_to_do(arguments: tuple[str, ...], texts: list[str]) -> None:
    assert said(*arguments) == texts


def test_another_images_arguments_are_not_known_but_a_key_is_a_key() -> None:
    other = "docker.io/intel/llm-scaler-vllm:0.14.0-b8.1"

    assert said("--load-in-low-bit=fp8", image=other) == []
    assert said("--api-key=1", image=other) == [SECRET.format("api_key")]
    assert said("--nothing", image="docker.io/vllm/vllm-openai-cpu:v0.32.0") != []


def test_the_list_is_of_the_version_that_is_pinned() -> None:
    version = vllm_arguments.load().version

    pinned = {name: ref for name, ref in load().images.items() if name.startswith("vllm-")}
    assert len(pinned) == 4
    assert {ref.rpartition(":")[2] for ref in pinned.values()} == {f"v{version}"}


def test_everything_that_slipway_writes_is_an_argument() -> None:
    known = vllm_arguments.load()
    text = (Path(__file__).parents[3] / "deploy/serving/command.py").read_text()

    written = set(re.findall(r'"--([a-z-]+)"', text))
    assert len(written) > 10
    assert {name for name in written if name not in known.arguments} == set()
    assert {name for name in vllm_arguments.OWN if name not in known.arguments} == set()
    assert written - vllm_arguments.OWN.keys() == set()


SOURCE = """
x_kwargs = get_kwargs(XConfig)
group.add_argument("--eager", "-e", **x_kwargs["eager"])
group.add_argument("--merged", **{**x_kwargs["merged"], "default": None})
parser.add_argument("--flag", action="store_true")
parser.add_argument("--pair", action=argparse.BooleanOptionalAction)
parser.add_argument("--name", "--other-name", type=str)
parser.add_argument("positional")
"""
CONFIG = """
class XConfig:
    eager: bool = False
    merged: bool | None = None
    token: bool | str | None = None
class FrontendArgs:
    api_key: list[str] | None = None
    enable_x: bool = False
"""


def test_arguments_are_read_out_of_the_source() -> None:
    found = {each.name: (each.kind, each.short) for each in added(SOURCE, kinds(CONFIG))}

    assert found == {
        "eager": ("switch", ("-e",)),
        "merged": ("switch", ()),
        "flag": ("flag", ()),
        "pair": ("switch", ()),
        "name": ("value", ("--other-name",)),
    }
    assert {each.name: each.kind for each in declared(CONFIG)} == {"api-key": "value", "enable-x": "switch"}
    assert kinds(CONFIG)["XConfig", "token"] == "optional"
