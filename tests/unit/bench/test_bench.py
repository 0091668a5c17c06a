from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from deploy.cli.progress import line
from deploy.engine.applying import Outcome
from deploy.model import load_cluster
from deploy.model.row import Disturbs, Row, State
from tests.bench import many
from tests.bench.__main__ import PARTS, chosen
from tests.bench.cluster import growth, phases
from tests.bench.timed import Run, several


def test_an_applys_phases_are_read_from_the_lines_that_it_prints() -> None:
    row = Row("baseline", "w1", "Set kernel parameters", State.CHANGE, Disturbs.NOTHING)
    output = "\n".join(
        [
            "12 changes on 2 hosts.",
            line("Prepare the hosts", Outcome(done=[row]), 0.84),
            line("Control plane", Outcome(done=[row], failed=[row]), 21.0),
            "13 changed on 2 hosts in 22.1 s.",
        ]
    )

    assert phases(output) == "Prepare the hosts 0.8; Control plane 21.0"


def test_an_apply_that_changed_nothing_says_so() -> None:
    assert phases("0 changes.\n") == "no phase changed anything"


def test_growth_is_told_for_what_was_measured_on_one_host_and_on_four() -> None:
    assert growth({"plan": (0.9, 1.0, 1.2)}, {"plan": (1.0, 1.5, 2.0), "drift": (1.0, 1.0, 1.0)}) == [
        ("plan, growth from 1 to 4 hosts", "x 1.50", "medians")
    ]
    assert growth({}, {"plan": (1.0, 1.5, 2.0)}) == []


def test_parts_are_all_unless_some_are_named() -> None:
    assert chosen([]) == frozenset(PARTS)
    assert chosen(["many", "one"]) == {"many", "one"}
    with pytest.raises(SystemExit) as caught:
        chosen(["lots"])
    assert (
        str(caught.value) == "no such part: lots; there are: one, cluster, ansible, k3s, models, gpus, many"
    )


def alone(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Time a command as a benchmark does: in a process where gevent waits for no child."""
    script = f"from tests.bench.timed import timed; run = timed({[*command]!r}, {{}})\n"
    script += "print(run.output, run.cpu, run.wall, run.memory)"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def test_the_processors_seconds_are_those_of_the_command() -> None:
    done = alone([sys.executable, "-c", "print(sum(range(3_000_000)))"])

    output, cpu, wall, memory = done.stdout.split()
    assert output == "4499998500000"
    assert 0.0 < float(cpu) <= float(wall) + 0.1
    assert 5 < float(memory) < 200


def test_a_code_that_was_not_expected_ends_the_benchmark_with_what_was_said() -> None:
    done = alone(["sh", "-c", "echo broken; exit 3"])

    assert (done.returncode, done.stderr) == (1, "sh -c echo broken; exit 3: exit 3\nbroken\n\n")


def test_several_runs_are_told_by_their_spread_and_the_most_memory() -> None:
    runs = iter([Run(3.0, 0, 40, ""), Run(1.0, 0, 90, ""), Run(2.0, 0, 50, "")])

    assert several(lambda: next(runs), 3) == ((1.0, 2.0, 3.0), 90)


def test_the_controllers_own_cpu_is_a_row_of_its_own() -> None:
    runs = [Run(9.0, 4.0, 120.0, ""), Run(10.0, 5.0, 130.0, ""), Run(12.0, 4.5, 110.0, "")]

    assert many.rows(50, runs, dead=True) == [
        (
            "preflight, 50 hosts that are this machine, one of them dead",
            "9.00 / 10.00 / 12.00",
            "130 MiB at most",
        ),
        ("  of which the controller's own CPU", "4.00 / 4.50 / 5.00", "0.100 s a host at most"),
    ]


def test_many_hosts_are_a_valid_inventory_with_the_dead_one_last(tmp_path: Path) -> None:
    file = tmp_path / "many.yaml"
    file.write_text(yaml.safe_dump({"name": many.NAME, "nodes": many.nodes([1, 2, many.DEAD])}))

    cluster = load_cluster(file)

    assert [(node.name, str(node.address)) for node in cluster.nodes] == [
        ("h1", "10.89.40.1"), ("h2", "10.89.40.2"), ("dead", "10.89.40.250"),
    ]  # fmt: skip
    assert [node.name for node in cluster.control_planes] == ["h1"]


def test_what_is_sent_to_the_dead_host_is_lost_and_not_refused() -> None:
    assert many.network(2) == [
        "link add slipway-bench type bridge",
        "link set slipway-bench up",
        "address add 10.89.40.1/24 dev slipway-bench",
        "address add 10.89.40.2/24 dev slipway-bench",
        "neigh replace 10.89.40.250 lladdr 02:00:0a:59:28:fa dev slipway-bench nud permanent",
    ]
