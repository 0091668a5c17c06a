"""An inventory file that cannot be used says all that is wrong with it, and where."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import InventoryError
from deploy.model import load_cluster
from deploy.model.document import parse
from deploy.model.load import judge

Complaint = Callable[[str], str]

CASES = Path(__file__).parent / "cases"
SMALLEST = "name: lab\nnodes: [{name: cp1, address: 10.0.0.11, roles: [control-plane]}]\n"


def said_of(path: str | Path) -> str:
    with pytest.raises(InventoryError) as caught:
        load_cluster(path)
    return str(caught.value)


def test_the_smallest_inventory_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(SMALLEST)

    cluster = load_cluster(path)

    assert (cluster.name, cluster.kubernetes.version, str(cluster.endpoint)) == (
        "lab",
        "v1.36.3",
        "10.0.0.11",
    )


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda case: case.stem)
def test_every_mistake_is_named_at_once_with_its_line(complaint: Complaint, case: Path) -> None:
    assert complaint(case.read_text()) == case.with_suffix(".txt").read_text().rstrip("\n")


def test_values_that_disagree_are_named_beside_those_that_cannot_be_read(complaint: Complaint) -> None:
    assert complaint(
        """
        name: lab
        kubernetes: {versoin: v1.36.3}
        nodes:
          - {name: cp1, address: 10.0.0.11, roles: [control-plane]}
          - {name: cp1, address: 10.0.0.11, roles: [worker]}
        """
    ) == dedent(
        """\
        bad.yaml is not a valid cluster:
          kubernetes.versoin (line 2): no such key; did you mean "version"?
          nodes[1].address (line 5): 10.0.0.11 is also the address of nodes[0], cp1; give every node its own
          nodes[1].name (line 5): "cp1" is also the name of nodes[0]; give every node a name of its own"""
    )


def test_a_value_that_cannot_be_read_is_not_called_in_conflict_as_well(complaint: Complaint) -> None:
    assert complaint(
        """
        name: lab
        kubernetes: {pod_cidr: 10.44.0.0.0/16, service_cidr: 10.42.0.0/16}
        nodes:
          - {name: cp1, address: 10.0.0.11, roles: [control-plane]}
        """
    ) == (
        "bad.yaml is not a valid cluster:\n"
        '  kubernetes.pod_cidr (line 2): found "10.44.0.0.0/16", wanted an IPv4 network such as 10.42.0.0/16'
    )


def test_an_unknown_key_that_is_near_nothing_is_answered_with_the_known_ones(complaint: Complaint) -> None:
    assert complaint(f"{SMALLEST}containerd: {{xyz: 1}}") == (
        "bad.yaml is not a valid cluster:\n"
        "  containerd.xyz (line 3): no such key; known here: limits, restrict_oom_score_adj"
    )


def test_a_missing_key_says_what_it_is_for(complaint: Complaint) -> None:
    assert complaint("nodes: [{name: cp1, roles: [control-plane]}]") == (
        "bad.yaml is not a valid cluster:\n"
        "  name (line 1): missing; wanted here: the cluster's name\n"
        "  nodes[0].address (line 1): missing;"
        " wanted here: the address by which the host is reached and known"
    )


def test_a_node_has_the_gpus_of_one_vendor_and_one_model(complaint: Complaint) -> None:
    node = "{name: cp1, address: 10.0.0.11, roles: [control-plane], gpus: [{vendor: nvidia, count: 1}]}"

    assert complaint(f"name: lab\nnodes:\n  - {node}\n") == (
        "bad.yaml is not a valid cluster:\n"
        "  nodes[0].gpus (line 3): found a list, wanted one mapping, such as {vendor: nvidia, model: H100,"
        " count: 8}: a node has one vendor and one model"
    )


def test_a_list_of_keys_is_no_node(complaint: Complaint) -> None:
    assert complaint("name: lab\nnodes:\n  - cp1\n  - {name: w1, address: 10.0.0.12, roles: [worker]}") == (
        "bad.yaml is not a valid cluster:\n"
        '  nodes[0] (line 3): found "cp1", wanted a mapping of keys; leave the key out for the defaults'
    )


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


def test_a_merged_key_is_no_duplicate_and_a_repeated_one_is(complaint: Complaint) -> None:
    nodes = """
        nodes:
          - &cp {name: cp1, address: 10.0.0.11, roles: [control-plane], labels: {a: x}}
          - {<<: *cp, name: w1, address: 10.0.0.12, roles: [worker]}
        """
    cluster, found = judge(parse(dedent(f"name: lab{dedent(nodes)}"), "good.yaml"))

    assert found == []
    assert cluster is not None
    assert cluster.nodes[1].labels == {"a": "x"}
    assert complaint(f"name: lab\n{SMALLEST}") == (
        "bad.yaml is not a valid cluster:\n"
        "  name (line 2): the key is given twice, in lines 1 and 2; keep one"
    )


def test_keys_stay_what_they_look_like() -> None:
    assert parse("{on: x, 8080: y, 2026-01-01: 2026-01-02, ~: z}", "x").data == {
        "on": "x",
        "8080": "y",
        "2026-01-01": "2026-01-02",
        "~": "z",
    }


def test_a_line_break_in_a_value_is_refused(complaint: Complaint) -> None:
    assert complaint(f'{SMALLEST}host: {{sysctls: {{vm.swappiness: "1\\nkernel.x=1"}}}}\n') == (
        "bad.yaml is not a valid cluster:\n"
        "  host.sysctls.vm.swappiness (line 3): found a line break or control character;"
        " write the value in one line"
    )


def test_what_only_looks_like_a_number_is_text(complaint: Complaint) -> None:
    assert parse("{a: !!bool x, b: 0b_, c: 2026-13-45}", "x").data == {
        "a": "x",
        "b": "0b_",
        "c": "2026-13-45",
    }
    assert complaint(f"{SMALLEST}ssh: {{port: 0x_}}\n") == (
        "bad.yaml is not a valid cluster:\n"
        '  ssh.port (line 3): found "0x_", wanted a whole number without quotes'
    )


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
