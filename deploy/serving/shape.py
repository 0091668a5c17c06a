"""A model's config.json -> what its KV cache takes per token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.errors import InventoryError
from deploy.model.serving import Model

# bytes of one value; what is not named has two, as half and bfloat16
WIDTHS = {"float32": 4, "float": 4, "fp8": 1, "fp8_e4m3": 1, "fp8_e5m2": 1, "int8": 1}


@dataclass(frozen=True, slots=True)
class Shape:
    """The attention of a model: `values` are cached per token and layer for each of `heads`.

    `queries` is how many heads ask; several of them share one whose keys and values are cached.
    """

    layers: int
    queries: int
    heads: int
    values: int
    dtype: str
    longest: int | None

    def kv_bytes(self, tokens: int, split: int, dtype: str | None) -> int:
        """Return what the KV cache of so many tokens takes on each of `split` GPUs.

        Heads are spread over the GPUs, and kept whole on each where there are fewer heads than GPUs.
        """
        width = WIDTHS.get(dtype if dtype not in (None, "auto") else self.dtype, 2)
        return self.layers * max(self.heads // split, 1) * self.values * width * tokens

    def splits(self, count: int) -> bool:
        """Say whether every layer can be split over so many GPUs.

        vLLM 0.32.0, vllm/config/model.py verify_with_parallel_config, and for the cached heads
        vllm/model_executor/layers/linear.py QKVParallelLinear.
        """
        return self.queries % count == 0 and (self.heads % count == 0 or count % self.heads == 0)


def read(model: Model) -> Shape | None:
    """Return the shape that a model's declared config.json has; None when none is declared."""
    if model.config is None:
        return None
    path = Path(model.config)
    try:
        return of(json.loads(path.read_text()))
    except OSError as error:
        raise InventoryError(
            f"{path} cannot be read: {error.strerror}; put the model's config.json there, or leave config out"
        ) from None
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        raise InventoryError(
            f"{path} is not a model's config.json: wanted num_hidden_layers, num_attention_heads and"
            " hidden_size in it"
        ) from None


def of(config: Mapping[str, Any]) -> Shape:
    """Return the shape that a config says; models for text and images keep theirs under text_config."""
    text = config.get("text_config") or config
    dtype = text.get("dtype") or text.get("torch_dtype") or config.get("torch_dtype") or "bfloat16"
    queries = int(text["num_attention_heads"])
    heads = int(text.get("num_key_value_heads") or queries)
    # with scaled rotary embeddings a model reaches further than it was trained for
    scaled = (text.get("rope_scaling") or {}).get("factor")
    longest = None if scaled else text.get("max_position_embeddings")
    if latent := text.get("kv_lora_rank"):  # multi-head latent attention: one compressed vector for all heads
        values = int(latent) + int(text.get("qk_rope_head_dim") or 0)
        return Shape(int(text["num_hidden_layers"]), queries, 1, values, str(dtype), longest)
    size = int(text.get("head_dim") or text["hidden_size"] // queries)
    return Shape(int(text["num_hidden_layers"]), queries, heads, 2 * size, str(dtype), longest)
