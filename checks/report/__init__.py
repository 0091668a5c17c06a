"""Findings as text, short, JSON, JUnit, Markdown, HTML, Prometheus and Nagios; one for all verbs."""

from checks.report.formats import Format, exit_code, render
from checks.report.report import Report, Verdict, run_id, verdict

__all__ = ["Format", "Report", "Verdict", "exit_code", "render", "run_id", "verdict"]
