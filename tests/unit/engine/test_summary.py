from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import deploy.model
from deploy.engine import summary
from deploy.errors import Exit
from deploy.model.row import Disturbs, Row, State

SCHEMA = json.loads((Path(deploy.model.__file__).parent / "plan.schema.json").read_text())
NONE = Row("baseline", "cp1", "Turn swap off", State.NONE)
SYSCTL = Row(
    "baseline", "w1", "Set sysctls", State.CHANGE, diff="-a = 1\n+a = 2", reason="a is 1, wanted 2",
    commands=("sysctl -w a=2",),
)  # fmt: skip
RESTART = Row("containerd", "w1", "Run containerd", State.CHANGE, Disturbs.SERVICE, reason="older input")
STOP = Row("gpu-amd", "cp1", "Make sure", State.CHANGE, Disturbs.MODEL, reason="qwen is stopped for that")
KUBELET = Row("kubelet", "cp1", "Run the kubelet", State.CHANGE, Disturbs.PODS)
JOIN = Row("workers", "w1", "Join", State.UNKNOWN, until="control-plane")
ERROR = Row("identity", "w2", "Claim the host", State.ERROR, reason="could not read the host")


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([], "0 changes."),
        ([NONE], "0 changes."),
        ([NONE, SYSCTL], "1 change on 1 host. Disturbs nothing."),
        ([SYSCTL, RESTART], "2 changes on 1 host. Disturbs a service of w1."),
        ([SYSCTL, RESTART, KUBELET], "3 changes on 2 hosts. Disturbs a service of w1 and the pods of cp1."),
        ([STOP], "1 change on 1 host. Disturbs the models."),
        ([STOP, KUBELET], "2 changes on 1 host. Disturbs the models and the pods of cp1."),
        ([STOP, RESTART], "2 changes on 2 hosts. Disturbs the models and a service of w1."),
        ([JOIN], "1 change on 1 host (1 of them not fully known yet). Disturbs nothing."),
        ([ERROR], "0 changes. 1 operation could not be planned on w2."),
    ],
)
def test_one_line_says_how_much_where_and_what_it_disturbs(rows: list[Row], line: str) -> None:
    assert summary.summary(rows) == line


def test_hosts_that_nobody_looked_at_are_named() -> None:
    assert summary.summary([], ["w1", "w2"]) == "0 changes. Not looked at: w1, w2."


@pytest.mark.parametrize(
    ("rows", "unreachable", "code"),
    [
        ([NONE], Exit.OK, Exit.OK),
        ([SYSCTL], Exit.OK, Exit.PENDING),
        ([JOIN], Exit.OK, Exit.PENDING),
        ([SYSCTL, ERROR], Exit.OK, Exit.FAILED),
        ([SYSCTL, ERROR], Exit.UNREACHABLE, Exit.UNREACHABLE),
        ([SYSCTL], Exit.FAILED, Exit.FAILED),
    ],
)
def test_what_weighs_most_is_the_exit_code(rows: list[Row], unreachable: Exit, code: Exit) -> None:
    assert summary.exit_code(rows, unreachable) is code


def test_rows_are_shown_by_phase_with_reason_diff_and_commands() -> None:
    shown = summary.text(
        [NONE, SYSCTL, RESTART, JOIN, ERROR], {"baseline": "Prepare the hosts"}, verbose=True
    )

    assert shown == (
        "Prepare the hosts (baseline)\n"
        "  ~ w1: Set sysctls\n"
        "      a is 1, wanted 2\n"
        "      -a = 1\n"
        "      +a = 2\n"
        "      $ sysctl -w a=2\n"
        "\n"
        "containerd (containerd)\n"
        "  ~ w1: Run containerd  [disturbs a service]\n"
        "      older input\n"
        "\n"
        "workers (workers)\n"
        "  ? w1: Join  [not known before control-plane]\n"
        "\n"
        "identity (identity)\n"
        "  ! w2: Claim the host\n"
        "      could not read the host"
    )


def test_a_long_diff_is_cut_and_says_so() -> None:
    long = Row("baseline", "w1", "Write", State.CHANGE, diff="\n".join(f"+{n}" for n in range(100)))

    lines = summary.text([long], {}).splitlines()

    assert lines[-1] == "      ... 40 more lines; -o json has them all"
    assert len(lines) == 63


def test_short_has_one_line_per_row_that_matters_and_why_models_stop_and_what_is_wrong() -> None:
    assert summary.short([NONE, SYSCTL, STOP, ERROR]) == (
        "~ w1: Set sysctls\n"
        "~ cp1: Make sure  [disturbs the models]\n"
        "      qwen is stopped for that\n"
        "! w2: Claim the host\n"
        "      could not read the host"
    )


def test_the_document_is_what_its_schema_says() -> None:
    rows = [NONE, SYSCTL, RESTART, KUBELET, JOIN, ERROR]

    document = summary.document("lab", rows, {"w3": "no answer"})

    jsonschema.validate(document, SCHEMA)
    assert document["schema"] == 1
    assert document["changes"] == 4
    assert document["hosts"] == ["cp1", "w1"]
    assert document["disturbs"] == {"w1": "service", "cp1": "pods"}
    assert document["rows"][1] == {
        "phase": "baseline",
        "host": "w1",
        "operation": "Set sysctls",
        "state": "change",
        "disturbs": "nothing",
        "diff": "-a = 1\n+a = 2",
        "reason": "a is 1, wanted 2",
        "until": None,
        "commands": ["sysctl -w a=2"],
    }


def test_a_key_that_the_schema_does_not_know_is_refused() -> None:
    document = {**summary.document("lab", [], {}), "more": 1}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)
