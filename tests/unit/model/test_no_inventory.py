"""What is no inventory at all: no YAML, no mapping, no file; each ends in one error, never in a traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import InventoryError
from deploy.model import load_cluster
from deploy.model.document import parse
from deploy.model.load import judge

Complaint = Callable[[str], str]


def said_of(path: str | Path) -> str:
    with pytest.raises(InventoryError) as caught:
        load_cluster(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "",
            "bad.yaml is empty. An inventory needs at least:\n"
            "  name: lab\n"
            "  nodes:\n"
            "    - {name: cp1, address: 192.168.1.10, roles: [control-plane]}",
            id="empty",
        ),
        pytest.param(
            "# nothing but a comment\n",
            "bad.yaml is empty. An inventory needs at least:\n"
            "  name: lab\n"
            "  nodes:\n"
            "    - {name: cp1, address: 192.168.1.10, roles: [control-plane]}",
            id="comments",
        ),
        pytest.param(
            "- name: lab\n", "bad.yaml holds no keys such as name: and nodes: but a list.", id="a list"
        ),
        pytest.param(
            "lab\n", "bad.yaml holds no keys such as name: and nodes: but a single value.", id="a word"
        ),
        pytest.param(
            "name: lab\nnodes:\n  - {name: cp1\n",
            "bad.yaml is not YAML: line 4, column 1: expected ',' or '}', but got '<stream end>'"
            " (while parsing a flow mapping).",
            id="an open bracket",
        ),
        pytest.param(
            "name: lab\nssh:\n\tuser: ops\n",
            "bad.yaml is not YAML: line 3, column 1: found character '\\t' that cannot start any token"
            " (while scanning for the next token).\n"
            "  Indent with spaces; YAML takes no tabs.",
            id="a tab",
        ),
        pytest.param(
            "name: lab\n---\nname: lab\n",
            "bad.yaml is not YAML: line 2, column 1: but found another document"
            " (expected a single document in the stream).",
            id="two documents",
        ),
        pytest.param(
            "name: *lab\n", "bad.yaml is not YAML: line 1, column 7: found undefined alias 'lab'.", id="alias"
        ),
        pytest.param(
            "name: &a [*a]\n",
            "bad.yaml is not YAML: line 1, column 7: an alias that holds itself.",
            id="loop",
        ),
        pytest.param(
            "name: !!python/name:os.system lab\n",
            "bad.yaml is not YAML: line 1, column 7: the tag 'tag:yaml.org,2002:python/name:os.system'"
            " has no meaning here.",
            id="a tag",
        ),
        pytest.param(
            "? [a, b]\n: c\n",
            "bad.yaml is not YAML: line 1, column 3: a key that is no text;"
            " a value that begins with { needs quotes.",
            id="a list for a key",
        ),
        pytest.param(
            "name: lab\nnodes: \x07\n",
            "bad.yaml is not YAML: line 2 holds the character \\x07, which YAML does not allow; delete it.",
            id="a bell",
        ),
        pytest.param("[" * 3000, "bad.yaml is nested too deeply to be an inventory.", id="deep"),
        pytest.param(
            "a: &a [1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"{b}: &{b} [{','.join([f'*{a}'] * 8)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
            ),
            "bad.yaml is not YAML: line 1, column 12: more than 50000 values.",
            id="aliases of aliases",
        ),
    ],
)
def test_what_is_no_inventory_at_all_is_one_error(complaint: Complaint, text: str, said: str) -> None:
    assert complaint(text) == said


def test_a_path_that_does_not_exist_names_the_inventories_that_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("lab.yaml", "home.yaml", "lab.lock.yaml", "lab.py"):
        Path(name).touch()

    assert said_of("lap.yaml") == "lap.yaml does not exist. There are: home.yaml, lab.yaml."
    assert said_of("none/lap.yaml") == "none/lap.yaml does not exist."


def test_what_is_not_a_readable_text_file_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("binary.yaml").write_bytes(b"name: lab\nnodes: \xff\xfe\n")
    Path("huge.yaml").write_bytes(b"#" * (1 << 21))

    assert said_of(".") == ". is a directory; name the inventory file in it."
    assert said_of("binary.yaml") == "binary.yaml is not UTF-8 text: line 2 holds other bytes."
    assert said_of("huge.yaml") == "huge.yaml is larger than 1 MiB: that is no inventory."
    assert said_of("a\0b") == "'a\\x00b' is no path of a file."


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.touch(mode=0)

    assert said_of(path) == f"{path} cannot be read: Permission denied."


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["10.0.0.1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "nodes", "kubernetes", "address", "roles", "ssh", "pool", "jump", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_text_whatever_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)

    said_of(path)


@given(
    st.dictionaries(st.sampled_from(["name", "nodes", "kubernetes", "ssh", "host", "load_balancer"]), VALUES)
)
def test_no_values_whatever_end_in_a_traceback(data: object) -> None:
    document = parse("{}", "any.yaml")
    document.data = data

    judge(document)
