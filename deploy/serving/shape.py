"""A model's config.json -> what its KV cache takes per token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.catalog import vllm_arguments
from deploy.errors import InventoryError
from deploy.model.serving import Model
from deploy.model.settings import merged

# bytes of one value; what is not named has two, as half and bfloat16
WIDTHS = {"float32": 4, "float": 4, "fp8": 1, "fp8_e4m3": 1, "fp8_e5m2": 1, "int8": 1}


# layers that cache every token (vLLM 0.32.0, vllm/config/model.py _ATTENTION_LAYER_TYPES), those of chunks
# too, whose cache vLLM does not recycle by itself (vllm/config/vllm.py); with a window; and that cache none
FULL = (
    *("full_attention", "attention", "chunked_attention", "indexed_attention"),
    *("deepseek_sparse_attention", "qwen_sparse_attention"),
)
SLIDING = "sliding_attention"
NONE = ("linear_attention", "mamba", "mamba2", "conv")
# of how many layers one has no window, where config.json does not say so (transformers, configuration_*.py)
PATTERNS = {"gemma2": 2, "gemma3_text": 6, "cohere2": 4}
# what models with layers of several kinds, or sizes, say of them in ways of their own
MIXED = (
    *("attn_layer_period", "attn_layer_indices", "attn_type_list", "hybrid_override_pattern"),
    *("linear_attn_config", "block_configs", "compress_ratios", "num_kv_shared_layers"),
    *("global_head_dim", "swa_head_dim", "swa_num_key_value_heads"),
)
# scaled rotary embeddings whose reach max_position_embeddings says already (vllm-project/vllm#56446)
REACHED = (
    *("su", "longrope", "llama3"),
    *("yarn", "deepseek_yarn", "deepseek_llama_scaling", "telechat3-yarn"),
)
# the variable with which vLLM lets a sequence be longer than the model was made for
LONGER = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"
# of models of experts (vllm/transformers_utils/model_arch_config_convertor.py, get_num_experts)
EXPERTS = ("num_experts", "moe_num_experts", "n_routed_experts", "num_local_experts")
# architectures that make vectors or scores (vllm/config/model.py, _SUFFIX_TO_DEFAULTS)
POOLING = (
    *("ForTextEncoding", "EmbeddingModel", "BertModel", "RobertaModel"),
    *("ForSequenceClassification", "ForTokenClassification", "ForRewardModeling", "RewardModel"),
)
# with which a layer's window saves nothing
WHOLE = "--disable-hybrid-kv-cache-manager"


@dataclass(frozen=True, slots=True)
class Layers:
    """A model's layers by what they cache: every token, or as many as `window`.

    Where config.json has what is `misunderstood`, every layer of which nothing is known counts as the first.
    """

    full: int
    sliding: int = 0
    window: int = 0
    misunderstood: tuple[str, ...] = ()

    def held(self, tokens: int, in_flight: int) -> int:
        """Return how many tokens are cached, summed over layers, of so many of a sequence.

        What is being computed is kept beside the window (vllm/v1/kv_cache_interface.py, SlidingWindowSpec).
        """
        return self.full * tokens + self.sliding * min(self.window - 1 + in_flight, tokens)


@dataclass(frozen=True, slots=True)
class Shape:
    """The attention of a model: `values` are cached per token and layer for each of `heads`.

    `queries` is how many heads ask; several of them share one whose keys and values are cached.
    """

    layers: Layers
    queries: int
    heads: int
    values: int
    dtype: str
    longest: int | None
    experts: bool = False
    pools: bool = False

    def kv_bytes(self, tokens: int, split: int, dtype: str | None, in_flight: int = 0) -> int:
        """Return what the KV cache of so many tokens takes on each of `split` GPUs.

        Heads are spread over the GPUs, and kept whole on each where there are fewer heads than GPUs.
        """
        width = WIDTHS.get(dtype if dtype not in (None, "auto") else self.dtype, 2)
        return self.layers.held(tokens, in_flight) * max(self.heads // split, 1) * self.values * width

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
    given = vllm_arguments.value(model, "hf-overrides")
    try:
        known = of(merged(json.loads(path.read_text()), _object(given) or {}))
    except OSError as error:
        raise InventoryError(
            f"{path} cannot be read: {error.strerror}; put the model's config.json there, or leave config out"
        ) from None
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        raise InventoryError(
            f"{path} is not a model's config.json: wanted num_hidden_layers, num_attention_heads and"
            " hidden_size in it"
        ) from None
    # other versions scale in other ways
    other = not vllm_arguments.load().knows(model)
    if other or (given is not None and _object(given) is None) or LONGER in model.environment:
        known = replace(known, longest=None)
    if WHOLE in model.arguments:
        layers = replace(known.layers, full=known.layers.full + known.layers.sliding, sliding=0)
        return replace(known, layers=layers)
    return known


def of(config: Mapping[str, Any]) -> Shape:
    """Return the shape that a config says; models for text and images keep theirs under text_config."""
    text = config.get("text_config") or config
    dtype = text.get("dtype") or text.get("torch_dtype") or config.get("torch_dtype") or "bfloat16"
    queries = int(text["num_attention_heads"])
    heads = int(text.get("num_key_value_heads") or queries)
    longest = _longest(text)
    experts = any(text.get(key) for key in EXPERTS)
    pools = any(str(name).endswith(POOLING) for name in config.get("architectures") or ())
    if latent := text.get("kv_lora_rank"):  # multi-head latent attention: one compressed vector for all heads
        values = int(latent) + int(text.get("qk_rope_head_dim") or 0)
        return Shape(_layers(text), queries, 1, values, str(dtype), longest, experts, pools)
    size = int(text.get("head_dim") or text["hidden_size"] // queries)
    return Shape(_layers(text), queries, heads, 2 * size, str(dtype), longest, experts, pools)


def _object(text: str | None) -> dict[str, Any] | None:
    """Return the JSON object that an argument is; None where it is none, as with --NAME.KEY=VALUE."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _longest(text: Mapping[str, Any]) -> int | None:
    """Return how far a model reads (vLLM 0.32.0, vllm/config/model.py, _get_and_verify_max_len)."""
    made = text.get("model_max_length") or text.get("max_position_embeddings")
    if made is None or str(text.get("model_type")).startswith("gemma3"):
        return made
    rope = text.get("rope_parameters") or text.get("rope_scaling") or {}
    # one for each kind of layers, or one for all
    parts = [part for part in rope.values() if isinstance(part, dict)] or [rope]
    factors = [
        part.get("factor") or 1
        for part in parts
        if (part.get("rope_type") or part.get("type")) not in REACHED
    ]
    return int(made * max(factors, default=1))


def _layers(text: Mapping[str, Any]) -> Layers:
    count, other = int(text["num_hidden_layers"]), tuple(key for key in MIXED if text.get(key))
    window = 0 if text.get("use_sliding_window") is False else int(text.get("sliding_window") or 0)
    if kinds := (text.get("layer_types") or text.get("layers_block_type") or ())[:count]:
        strange = tuple(sorted({kind for kind in kinds if kind not in (*FULL, *NONE, SLIDING)}))
        sliding = kinds.count(SLIDING) if window else 0
        full = sum(kind not in NONE for kind in kinds) - sliding
        return Layers(full, sliding, window, other + strange)
    if interval := text.get("full_attention_interval"):
        return Layers(count // int(interval), misunderstood=other)
    if not window:
        return Layers(count, misunderstood=other)
    pattern = text.get("sliding_window_pattern") or PATTERNS.get(str(text.get("model_type")))
    if isinstance(pattern, int):
        return Layers(count // pattern, count - count // pattern, window, other)
    longest = int(text.get("max_position_embeddings") or 0)
    return Layers(count, misunderstood=other if 0 < longest <= window else (*other, "sliding_window"))
