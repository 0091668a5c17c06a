"""A report as JSON, and back: what machines read, and what the history of nights is kept in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from checks.finding import Finding, Severity, Status
from checks.report.phrases import overall
from checks.report.report import Report, key
from checks.report.strips import Run, known, last_runs
from deploy.errors import RunError
from deploy.model.row import Disturbs, Row, State

SCHEMA_VERSION = 1


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Return the JSON Schema that every document follows."""
    text = (Path(__file__).parent / "report.schema.json").read_text()
    return dict(json.loads(text))


def render(report: Report, history: Sequence[Report] = ()) -> str:
    """Return the whole report, keys in a fixed order; with runs before it, how everything stood in them."""
    data = as_data(report)
    if runs := last_runs(report, history):
        data["history"] = _history(runs)
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def as_data(report: Report) -> dict[str, Any]:
    """Return the report as plain data that follows the schema."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run": report.run,
        "verb": report.verb,
        "cluster": report.cluster,
        "started": _stamp(report.started),
        "seconds": round(report.seconds, 3),
        "inventory_sha256": report.inventory_sha256,
        "lock_sha256": report.lock_sha256,
        "verdict": str(overall(report)),
        "exit": int(report.exit_code()),
        "counts": {str(name): number for name, number in report.counts.items()},
        "unreachable": dict(report.unreachable),
        "findings": [_finding(report, each) for each in report.findings],
        "gone": [_finding(report, each) for each in report.gone],
        "rows": [_row(row) for row in report.rows],
        "since": [
            {"check": check, "host": host, "moment": _stamp(moment)}
            for (check, host), moment in report.since.items()
        ],
        "last_success": _stamp(report.last_success),
        "last_nightly": _stamp(report.last_nightly),
        "hook_failed": dict(report.hook_failed),
    }


def _history(runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "runs": [
            {
                "run": each.report.run,
                "started": _stamp(each.report.started),
                "verdict": str(overall(each.report)),
                "exit": int(each.report.exit_code()),
            }
            for each in runs
        ],
        "stood": [
            {"check": check, "host": host, "verdicts": [str(run.of((check, host))) for run in runs]}
            for check, host in known(runs)
        ],
    }


def _finding(report: Report, finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "title": report.titles.get(finding.check, ""),
        "group": finding.group,
        "host": finding.host,
        "status": str(finding.status),
        "severity": str(finding.severity),
        "found": finding.found,
        "wanted": finding.wanted,
        "detail": finding.detail,
        "remedy": finding.remedy,
        "fix_available": finding.check in report.fixable,
        "ignored": finding.ignored,
        "because": [{"check": check, "host": host} for check, host in finding.because],
        "since": _stamp(report.since.get(key(finding))),
    }


def _row(row: Row) -> dict[str, Any]:
    """Return a plan row; the commands it would run are a plan's business, not a report's."""
    return {
        "phase": row.phase,
        "host": row.host,
        "operation": row.operation,
        "state": str(row.state),
        "disturbs": row.disturbs.name.lower(),
        "diff": row.diff,
        "reason": row.reason,
        "until": row.until,
        "ignored": row.ignored,
        "of_cluster": row.of_cluster,
    }


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def read(text: str, where: str) -> Report:
    """Return the report that was written; `where` names the file in the error."""
    try:
        data = json.loads(text)
        version = data["schema_version"]
        if version == SCHEMA_VERSION:
            return _report(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{where} is not a whole report of slipway: {error!r}") from None
    raise RunError(f"{where} is a report of schema version {version}, this slipway reads {SCHEMA_VERSION}")


def _report(data: dict[str, Any]) -> Report:
    pairs = [(_read_finding(each), each) for each in data["findings"]]
    gone = [(_read_finding(each), each) for each in data["gone"]]
    return Report(
        verb=data["verb"],
        cluster=data["cluster"],
        run=data["run"],
        started=datetime.fromisoformat(data["started"]),
        seconds=data["seconds"],
        findings=tuple(finding for finding, _ in pairs),
        titles={each["check"]: each["title"] for _, each in [*pairs, *gone] if each["title"]},
        fixable=frozenset(each["check"] for _, each in pairs if each["fix_available"]),
        unreachable=data["unreachable"],
        inventory_sha256=data["inventory_sha256"],
        lock_sha256=data["lock_sha256"],
        rows=tuple(_read_row(row) for row in data["rows"]),
        since={
            (each["check"], each["host"]): datetime.fromisoformat(each["moment"]) for each in data["since"]
        },
        gone=tuple(finding for finding, _ in gone),
        last_success=_moment(data["last_success"]),
        last_nightly=_moment(data.get("last_nightly")),  # reports of older releases have none
        hook_failed=data.get("hook_failed", {}),  # likewise
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _read_finding(data: dict[str, Any]) -> Finding:
    return Finding(
        check=data["check"],
        host=data["host"],
        status=Status(data["status"]),
        severity=Severity(data["severity"]),
        found=data["found"],
        wanted=data["wanted"],
        detail=data["detail"],
        remedy=data["remedy"],
        group=data["group"],
        ignored=data["ignored"],
        because=tuple((each["check"], each["host"]) for each in data.get("because", ())),
    )


def _read_row(data: dict[str, Any]) -> Row:
    return Row(
        **{**data, "state": State(data["state"]), "disturbs": Disturbs[data["disturbs"].upper()]},
    )
