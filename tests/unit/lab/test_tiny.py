from __future__ import annotations

import hashlib
import json
import math
from array import array

from deploy.lab import tiny


def test_the_model_is_the_same_on_every_machine() -> None:
    files = tiny.files()

    assert tuple(sorted(files)) == tiny.NAMES
    assert {name: hashlib.sha256(content).hexdigest()[:16] for name, content in sorted(files.items())} == {
        "config.json": "3a7e823d9423a1a3",
        "generation_config.json": "5118c576f38929f3",
        "model.safetensors": "802e851dbab89a51",
        "tokenizer.json": "5ea3c64b667434cc",
        "tokenizer_config.json": "dcd3fa88eb533293",
    }


def test_the_weights_are_where_their_header_says() -> None:
    content = tiny.files()["model.safetensors"]
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    named = {name: entry for name, entry in header.items() if name != "__metadata__"}

    assert {name: tuple(entry["shape"]) for name, entry in named.items()} == tiny.shapes()
    begin = 0
    for entry in named.values():
        assert entry["data_offsets"] == [begin, begin + 2 * math.prod(entry["shape"])]
        begin = entry["data_offsets"][1]
    assert 8 + size + begin == len(content)
    assert (8 + size) % 8 == 0


def test_every_byte_is_a_token_behind_the_special_ones() -> None:
    vocabulary = tiny.tokenizer()["model"]["vocab"]  # type: ignore[index,call-overload]

    assert sorted(vocabulary.values()) == list(range(tiny.VOCABULARY))  # type: ignore[union-attr,arg-type]
    assert len(set(tiny.letters())) == 256
    assert [tiny.letters()[byte] for byte in b"A ~\n"] == ["A", "Ġ", "~", "Ċ"]
    assert tiny.configuration()["vocab_size"] == tiny.VOCABULARY


def test_a_number_is_cut_to_its_upper_half() -> None:
    assert tiny.bfloat16(array("f", [1.0, -2.0])) == bytes.fromhex("803f00c0")
