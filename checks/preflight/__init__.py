"""Bare hosts, judged before anything is touched: observations in, findings out, nothing else."""

from checks.preflight.preflight import UNREACHABLE, preflight, stops
from checks.preflight.sources import sample, urls

__all__ = ["UNREACHABLE", "preflight", "sample", "stops", "urls"]
