"""Plan rows as text and as data: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from deploy.engine import reboots
from deploy.errors import Exit, worst
from deploy.model.row import SCHEMA_VERSION, Disturbs, Row, State

WHAT = {
    Disturbs.MODEL: "the models",
    Disturbs.SERVICE: "a service",
    Disturbs.PODS: "the pods",
    Disturbs.HOST: "the whole host",
}
DIFF_LINES = 60  # of one row; more is said to be there
MARKS = {State.NONE: "=", State.CHANGE: "~", State.UNKNOWN: "?", State.ERROR: "!"}


def summary(rows: Sequence[Row], unreachable: Iterable[str] = ()) -> str:
    """Return one line: how much changes where, what that disturbs, and which hosts nobody looked at."""
    pending = [row for row in rows if row.pending]
    errors = [row for row in rows if row.state is State.ERROR]
    parts = [_changes(pending)]
    if errors:
        parts.append(f"{_count(len(errors), 'operation')} could not be planned on {_hosts(errors)}.")
    if pending:
        parts.append(_disturbs(pending))
    if waiting := reboots.waiting(rows):
        parts.append(waiting)
    if missing := ", ".join(unreachable):
        parts.append(f"Not looked at: {missing}.")
    return " ".join(parts)


def exit_code(rows: Iterable[Row], unreachable: Exit = Exit.OK) -> Exit:
    """Return what a plan exits with."""
    states = {row.state for row in rows}
    return worst(
        unreachable,
        Exit.FAILED if State.ERROR in states else Exit.OK,
        Exit.PENDING if states & {State.CHANGE, State.UNKNOWN} else Exit.OK,
    )


def document(cluster: str, rows: Sequence[Row], unreachable: Mapping[str, str]) -> dict[str, Any]:
    """Return a plan as data; its form is in deploy/model/plan.schema.json."""
    pending = [row for row in rows if row.pending]
    return {
        "schema": SCHEMA_VERSION,
        "cluster": cluster,
        "changes": len(pending),
        "hosts": sorted({row.host for row in pending}),
        "disturbs": {name: worst_.name.lower() for name, worst_ in _worst_by_host(pending).items()},
        "summary": summary(rows, unreachable),
        "unreachable": dict(unreachable),
        "rows": [row.as_json() for row in rows],
    }


def text(rows: Sequence[Row], titles: Mapping[str, str], *, verbose: bool = False) -> str:
    """Return what is pending or wrong, by phase, with its diffs; `verbose` adds the commands."""
    shown = [row for row in rows if row.pending or row.state is State.ERROR]
    blocks = [
        "\n".join([f"{titles.get(phase, phase)} ({phase})", *(_row(row, verbose=verbose) for row in group)])
        for phase, group in groupby(shown, key=lambda row: row.phase)
    ]
    return "\n\n".join(blocks)


def short(rows: Iterable[Row]) -> str:
    """Return one line for each row that is pending or wrong, and why where models stop or it is wrong."""
    return "\n".join(
        "\n".join([_line(row, ""), *(_why(row) if row.state is State.ERROR or _stops(row) else ())])
        for row in rows
        if row.pending or row.state is State.ERROR
    )


def _stops(row: Row) -> bool:
    return row.disturbs is Disturbs.MODEL


def _why(row: Row) -> list[str]:
    return [f"      {line}" for line in (row.reason or "").splitlines()]


def _row(row: Row, *, verbose: bool) -> str:
    lines = [_line(row, "  "), *_why(row)]
    lines += [f"      {line}" for line in _cut(row.diff or "")]
    if verbose:
        lines += [f"      $ {command}" for command in row.commands]
    return "\n".join(lines)


def _line(row: Row, indent: str) -> str:
    disturbs = f"  [disturbs {WHAT[row.disturbs]}]" if row.disturbs else ""
    until = f"  [not known before {row.until}]" if row.until else ""
    return f"{indent}{MARKS[row.state]} {row.host}: {row.operation}{disturbs}{until}"


def _cut(diff: str) -> list[str]:
    lines = diff.splitlines()
    if len(lines) <= DIFF_LINES:
        return lines
    return [*lines[:DIFF_LINES], f"... {len(lines) - DIFF_LINES} more lines; -o json has them all"]


def _changes(pending: Sequence[Row]) -> str:
    if not pending:
        return "0 changes."
    unknown = sum(row.state is State.UNKNOWN for row in pending)
    some = f" ({unknown} of them not fully known yet)" if unknown else ""
    hosts = _count(len({row.host for row in pending}), "host")
    return f"{_count(len(pending), 'change')} on {hosts}{some}."


def _disturbs(pending: Sequence[Row]) -> str:
    by_host = _worst_by_host(pending)
    # the host of such a row only tells the cluster
    said = [WHAT[Disturbs.MODEL]] if any(map(_stops, pending)) else []
    said += [
        f"{what} of {', '.join(name for name, found in by_host.items() if found is level)}"
        for level, what in WHAT.items()
        if level is not Disturbs.MODEL and level in by_host.values()
    ]
    return f"Disturbs {' and '.join(said)}." if said else "Disturbs nothing."


def _worst_by_host(rows: Iterable[Row]) -> dict[str, Disturbs]:
    found: dict[str, Disturbs] = {}
    for row in rows:
        if row.disturbs:
            found[row.host] = max(row.disturbs, found.get(row.host, Disturbs.NOTHING))
    return found


def _hosts(rows: Iterable[Row]) -> str:
    return ", ".join(dict.fromkeys(row.host for row in rows))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
