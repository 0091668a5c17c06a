"""An inventory file that cannot be used says all that is wrong with it, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from deploy.model import load_cluster
from deploy.model.document import parse
from deploy.model.load import judge

Complaint = Callable[[str], str]

CASES = Path(__file__).parent / "cases"
SMALLEST = "name: lab\nnodes: [{name: cp1, address: 10.0.0.11, roles: [control-plane]}]\n"


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


NODE = """
name: lab
nodes:
  - name: cp1
    address: 10.0.0.11
    roles: [control-plane]
    gpus:"""


@pytest.mark.parametrize(
    ("gpus", "said"),
    [
        pytest.param(
            "{vendor: nvidia, count: 1}",
            "nodes[0].gpus.model (line 6): missing; wanted here: their model as the vendor writes it, such as"
            " A770 or RTX 4070; of AMD and NVIDIA any part of the product name that tells it from others",
            id="one by itself",
        ),
        pytest.param(
            "\n      - {vendor: intel, model: A770, count: 2}\n      - {vendor: amd, modell: V620, count: 1}",
            'nodes[0].gpus[1].modell (line 8): no such key; did you mean "model"?',
            id="one of a list",
        ),
        pytest.param(
            "{vendor: nvidia, modell: H100, count: 1}",
            'nodes[0].gpus.modell (line 6): no such key; did you mean "model"?',
            id="a misspelt key of one by itself",
        ),
        pytest.param(
            "nvidia",
            'nodes[0].gpus (line 6): found "nvidia", wanted a mapping of keys; leave the key out for the'
            " defaults",
            id="a word",
        ),
        pytest.param(
            "\n      - {vendor: intel, model: A770, count: 2}\n      - nvidia",
            'nodes[0].gpus[1] (line 8): found "nvidia", wanted a mapping of keys; leave the key out for the'
            " defaults",
            id="a word in a list",
        ),
    ],
)
def test_what_is_wrong_with_gpus_is_told_where_it_stands(complaint: Complaint, gpus: str, said: str) -> None:
    assert complaint(f"{NODE} {gpus}\n") == f"bad.yaml is not a valid cluster:\n  {said}"


def test_a_list_of_keys_is_no_node(complaint: Complaint) -> None:
    assert complaint("name: lab\nnodes:\n  - cp1\n  - {name: w1, address: 10.0.0.12, roles: [worker]}") == (
        "bad.yaml is not a valid cluster:\n"
        '  nodes[0] (line 3): found "cp1", wanted a mapping of keys; leave the key out for the defaults'
    )


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
