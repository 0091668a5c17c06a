"""A model that is made by code: a tiny Llama of random weights, whose tokens are bytes. It talks nonsense."""

from __future__ import annotations

import json
import random
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

NAMES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
END = SPECIAL.index("<|im_end|>")
VOCABULARY = len(SPECIAL) + 256
CONTEXT = 2048
HIDDEN, INNER, LAYERS, HEADS = 128, 384, 3, 4
SPREAD = 0.035
"""Weights lie evenly within this of zero; 0.02 is then their standard deviation, as in a new Llama."""
SEED = 20

CHAT = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""The chat template, as in ChatML."""


def files() -> dict[str, bytes]:
    """Return the model's files by name, as a hub has them; equal on every machine."""
    texts = {
        "config.json": configuration(),
        "generation_config.json": {"bos_token_id": 0, "eos_token_id": END, "pad_token_id": 0},
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": SPECIAL[END],
            "pad_token": SPECIAL[0],
            "model_max_length": CONTEXT,
            "clean_up_tokenization_spaces": False,
            "chat_template": CHAT,
        },
    }
    return {
        **{name: f"{json.dumps(value, indent=1)}\n".encode() for name, value in texts.items()},
        "model.safetensors": safetensors(dict(tensors())),
    }


def configuration() -> dict[str, JsonValue]:
    """Return config.json, which memory fit is judged from too."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "head_dim": HIDDEN // HEADS,
        "hidden_act": "silu",
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": 0,
        "eos_token_id": END,
        "pad_token_id": 0,
        "torch_dtype": "bfloat16",
    }


def tokenizer() -> dict[str, JsonValue]:
    """Return tokenizer.json: every byte is a token, so that no vocabulary has to be learnt."""
    level: dict[str, JsonValue] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                                   "use_regex": False}  # fmt: skip
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": text, "special": True, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False}
            for number, text in enumerate(SPECIAL)
        ],
        "pre_tokenizer": level,
        "decoder": level,
        "model": {
            "type": "BPE",
            "vocab": {text: number for number, text in enumerate([*SPECIAL, *letters()])},
            "merges": [],
        },
    }  # fmt: skip


def letters() -> list[str]:
    """Return the letter that stands for each byte in byte-level BPE (GPT-2's bytes_to_unicode)."""
    shown = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(256, 512))
    return [chr(byte if byte in shown else next(others)) for byte in range(256)]


def tensors() -> Iterator[tuple[str, tuple[tuple[int, ...], bytes]]]:
    """Yield every weight: its name, its shape, its bfloat16."""
    numbers = random.Random(SEED)  # noqa: S311 - weights, not secrets
    for name, shape in shapes().items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = (
            array("f", [1.0]) * count
            if name.endswith("norm.weight")
            else array("f", ((numbers.random() * 2 - 1) * SPREAD for _ in range(count)))
        )
        yield name, (shape, bfloat16(values))


def shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of each of a Llama's weights."""
    square, wide, narrow = (HIDDEN, HIDDEN), (INNER, HIDDEN), (HIDDEN, INNER)
    parts: dict[str, tuple[int, ...]] = {
        "input_layernorm": (HIDDEN,),
        "post_attention_layernorm": (HIDDEN,),
        **{f"self_attn.{each}_proj": square for each in "qkvo"},
        "mlp.gate_proj": wide,
        "mlp.up_proj": wide,
        "mlp.down_proj": narrow,
    }
    layers = {
        f"model.layers.{n}.{name}.weight": shape for n in range(LAYERS) for name, shape in parts.items()
    }
    ends = dict.fromkeys(("model.embed_tokens.weight", "lm_head.weight"), (VOCABULARY, HIDDEN))
    return {**ends, **layers, "model.norm.weight": (HIDDEN,)}


def bfloat16(values: array[float]) -> bytes:
    """Return single precision cut to its upper half, little end first."""
    halves = array("H", values.tobytes())
    upper = halves[1::2] if sys.byteorder == "little" else halves[::2]
    if sys.byteorder == "big":
        upper.byteswap()
    return upper.tobytes()


def safetensors(weights: dict[str, tuple[tuple[int, ...], bytes]]) -> bytes:
    """Return a safetensors file: the header's length, the header, the data (safetensors README.md)."""
    header: dict[str, JsonValue] = {"__metadata__": {"format": "pt"}}
    begin = 0
    for name, (shape, data) in weights.items():
        end = begin + len(data)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *(data for _, data in weights.values())])


def written(folder: Path) -> None:
    """Write the model's files."""
    for name, content in files().items():
        (folder / name).write_bytes(content)
