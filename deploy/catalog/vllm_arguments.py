"""The arguments of `vllm serve`: whether an inventory's are among them, and none that slipway sets itself.

The engine ends on an argument that it does not know, after its image of many GB has been pulled.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from deploy.model import Cluster
from deploy.model.mistake import Mistake, Place
from deploy.model.serving import Model

ARGUMENTS = Path(__file__).with_name("vllm_arguments.yaml")
# what slipway writes itself -> the inventory's key for it, below models[]
OWN = {
    "config": "",
    "data-parallel-size": "data_parallel",
    "disable-access-log-for-endpoints": "",
    "download-dir": "source",
    "dtype": "dtype",
    "gpu-memory-utilization": "gpu_memory_utilization",
    "hf-config-path": "",
    "host": "",
    "kv-cache-dtype": "kv_cache_dtype",
    "kv-cache-memory-bytes": "kv_cache",
    "max-model-len": "context",
    "max-num-seqs": "concurrency",
    "middleware": "",
    "model": "source",
    "pipeline-parallel-size": "pipeline_parallel",
    "port": "",
    "quantization": "quantization",
    "revision": "source.revision",
    "served-model-name": "name",
    "shutdown-timeout": "drain_seconds",
    "tensor-parallel-size": "tensor_parallel",
    "trust-remote-code": "trust_remote_code",
    "uds": "",
}
SEVERAL = "is of engines on several hosts, and a model's are all in one pod"
SSL = "is of TLS, which neither its probes nor its Service speak, and which a Gateway may end"
# what would never get ready, or answer without a key (vllm/entrypoints/cli/serve.py) -> why
OTHERS = {
    "grpc": "starts a server that asks for no key and knows no HTTP",
    "headless": "starts no server",
    "prefill-context-parallel-size": "takes more GPUs than models[].gpus asks for",
    **dict.fromkeys(("nnodes", "node-rank", "master-addr", "master-port"), SEVERAL),
}
# the same by how arguments begin, but for those of OWN
FAMILIES = {
    "data-parallel-": SEVERAL,
    "ssl-": SSL,
    "enable-ssl-": SSL,
}
SECRET = {"api-key": "api_key", "hf-token": "source.token"}


class Arguments(BaseModel):
    """vllm_arguments.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    arguments: dict[str, str]
    short: dict[str, str]

    def knows(self, model: Model) -> bool:
        """Say whether these are the arguments of a model's image: the pinned one, or one of that version."""
        return model.image is None or self.version in model.image

    def named(self, word: str) -> tuple[str, str]:
        """Return what an argument is called here, and what goes with it, empty for an unknown one.

        Underscores stand for dashes, and --NAME.KEY sets a part of --NAME.
        """
        spelt = word if word in self.short else word.replace("_", "-")
        if spelt in self.short:
            name = self.short[spelt]
            return name, self.arguments[name]
        name = spelt.removeprefix("--").partition(".")[0]
        plain = name.removeprefix("no-")
        if plain != name and self.arguments.get(plain) == "switch":
            return plain, "switch"
        return name, self.arguments.get(name, "") if spelt.startswith("--") else ""


@lru_cache(maxsize=1)
def load() -> Arguments:
    """Return the arguments of the pinned version."""
    return Arguments.model_validate(yaml.safe_load(ARGUMENTS.read_text()))


def mistakes(cluster: Cluster) -> Iterator[Mistake]:
    """Yield what is wrong with the models' free arguments."""
    for index, model in enumerate(cluster.models):
        yield from check(model, ("models", index, "arguments"))


def value(model: Model, name: str) -> str | None:
    """Return what a free argument says, the last of that name; None where there is none."""
    known, found = load(), None
    for index, text in enumerate(model.arguments):
        word, equals, rest = text.partition("=")
        if _is_option(text) and known.named(word)[0] == name:
            following = model.arguments[index + 1] if _has_value(model.arguments, index) else ""
            found = rest if equals else following
    return found


def check(model: Model, place: Place) -> Iterator[Mistake]:
    """Yield what is wrong with one model's."""
    known, open_value = load(), ""
    for index, text in enumerate(model.arguments):
        here = (*place, index)
        if not _is_option(text):
            if not open_value:
                yield Mistake(here, f'"{text}" belongs to no argument; write it behind one')
            continue  # one argument may take several values
        word, equals, _ = text.partition("=")
        name, kind = known.named(word)
        open_value = "" if equals or kind in ("switch", "flag") else word
        if wrong := _wrong(known, model, word, name, kind):
            yield Mistake(here, wrong)
        elif equals and kind in ("switch", "flag"):
            yield Mistake(here, f"{word} takes no value; leave out ={text.partition('=')[2]}")
        elif kind == "value" and not equals and not _has_value(model.arguments, index):
            yield Mistake(here, f"{word} takes a value, and none follows; write {word}=VALUE")


def _is_option(text: str) -> bool:
    """Say whether a text is an argument's name: -1 is a value."""
    return text.startswith("-") and not text[1:2].isdigit() and text != "-"


def _has_value(arguments: tuple[str, ...], index: int) -> bool:
    return index + 1 < len(arguments) and not _is_option(arguments[index + 1])


def _wrong(known: Arguments, model: Model, word: str, name: str, kind: str) -> str | None:
    if name in SECRET:
        instead = f"set models[].{SECRET[name]} instead"
        return f"a secret does not belong into an inventory or a command line; {instead}"
    if name in OWN:
        instead = f"set models[].{OWN[name]} instead" if OWN[name] else "leave it out"
        return f"slipway sets {word} itself; {instead}"
    family = next((why for begin, why in FAMILIES.items() if name.startswith(begin)), None)
    if why := OTHERS.get(name, family):
        return f"{word} {why}; leave it out"
    if kind or not known.knows(model):
        return None
    near = difflib.get_close_matches(name, known.arguments, n=1)
    advice = "".join(f"; did you mean --{each}?" for each in near)
    return f"vLLM {known.version} has no argument {word}{advice}"
