"""A report as a Prometheus textfile: status per check and node, and proof that the run itself ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from checks.report.report import Report, Verdict, verdict
from deploy.model.row import State

_VALUES = {Verdict.PASS: 0, Verdict.NOTE: 0, Verdict.WARNING: 1, Verdict.ERROR: 2, Verdict.UNAVAILABLE: 3}


def render(report: Report) -> str:
    """Return the whole file; a skipped check has no sample, as nothing was looked at."""
    return "\n".join([*_checks(report), *_drift(report), *_hooks(report), *_run(report)]) + "\n"


def succeeded(report: Report) -> datetime | None:
    """Return when a run last saw all that it was to see: this one, or the one that it names."""
    return report.started if report.complete else report.last_success


def _checks(report: Report) -> Iterator[str]:
    yield "# HELP slipway_check_status 0 pass, 1 warning, 2 error, 3 could not be judged"
    yield "# TYPE slipway_check_status gauge"
    for finding in report.findings:
        if (value := _VALUES.get(verdict(finding))) is not None:
            labels = _labels(
                cluster=report.cluster,
                check=finding.check,
                node=finding.host or "",
                severity=str(finding.severity),
            )
            yield f"slipway_check_status{labels} {value}"


def _drift(report: Report) -> Iterator[str]:
    if report.verb != "drift":
        return
    pending = Counter(row.host for row in report.pending)
    cut = {row.host for row in report.rows if row.state is State.ERROR}
    yield "# HELP slipway_drift_items Operations that an apply would have to do"
    yield "# TYPE slipway_drift_items gauge"
    for node in sorted({row.host for row in report.rows}):
        if node in cut and not pending[node]:
            continue  # what would be done there was not seen, which is another thing than nothing
        yield f"slipway_drift_items{_labels(cluster=report.cluster, node=node)} {pending[node]}"


def _hooks(report: Report) -> Iterator[str]:
    if report.hook_failed:
        yield "# HELP slipway_hook_failed 1 while a hook could not deliver what is new"
        yield "# TYPE slipway_hook_failed gauge"
    for hook, failed in report.hook_failed.items():
        yield f"slipway_hook_failed{_labels(cluster=report.cluster, hook=hook)} {int(failed)}"


def _run(report: Report) -> Iterator[str]:
    labels = _labels(cluster=report.cluster, verb=report.verb)
    yield "# HELP slipway_run_exit_code What the last run ended with"
    yield "# TYPE slipway_run_exit_code gauge"
    yield f"slipway_run_exit_code{labels} {int(report.exit_code())}"
    yield "# HELP slipway_run_duration_seconds How long the last run took"
    yield "# TYPE slipway_run_duration_seconds gauge"
    yield f"slipway_run_duration_seconds{labels} {report.seconds:.3f}"
    yield "# HELP slipway_last_run_timestamp_seconds When the last run began"
    yield "# TYPE slipway_last_run_timestamp_seconds gauge"
    yield f"slipway_last_run_timestamp_seconds{labels} {report.started.timestamp():.0f}"
    success = succeeded(report)
    # A drift knows the runs before it. Of a series that is not there no age is too great for an alert, so
    # never is 0: prometheus.io/docs/practices/instrumentation, on missing metrics.
    if success is not None or report.verb == "drift":
        yield "# HELP slipway_last_success_timestamp_seconds When a run last saw all that it should, 0: never"
        yield "# TYPE slipway_last_success_timestamp_seconds gauge"
        yield f"slipway_last_success_timestamp_seconds{labels} {success.timestamp() if success else 0:.0f}"


def _labels(**values: str) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())
    return f"{{{inner}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
