"""Runs the checks on every host at once, one greenlet per host, over the connections that are there."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

import gevent

import checks.acceptance
from checks.acceptance.backend import Ran, host
from checks.acceptance.check import HostCheck
from checks.finding import Finding
from checks.say import judged, unread
from deploy.errors import UnreachableError
from deploy.model import Cluster, Node

RunOn = Callable[[str, str], Ran]
"""(host, shell command) -> what it did; raises UnreachableError when the host is, or gets, out of reach."""

ANSWER, ROOT = "an answer", "uid 0"
SILENT = "the host does not answer (HOST-00)"


@lru_cache(maxsize=1)
def host_checks() -> tuple[HostCheck, ...]:
    """Return every check of this package's modules, in the catalogue's order."""
    found: list[HostCheck] = []
    for module in pkgutil.iter_modules(checks.acceptance.__path__):
        if module.name.startswith("test_"):
            names = vars(importlib.import_module(f"checks.acceptance.{module.name}"))
            found += [HostCheck(each.proves, each) for each in names.values() if hasattr(each, "proves")]
    return tuple(sorted(found, key=lambda each: each.entry.id))


def prove_hosts(
    cluster: Cluster,
    run: RunOn,
    unreachable: Mapping[str, str],
    values: Mapping[str, Any],
    wanted: Iterable[HostCheck] | None = None,
    rootless: Collection[str] = (),
) -> list[Finding]:
    """Return the findings on every node, in the inventory's order; no node, no check is left out.

    `rootless` are those of the unreachable that answer, and only give no root.
    """
    chosen = host_checks() if wanted is None else tuple(wanted)
    greenlets = [
        gevent.spawn(_no_root, cluster, node, unreachable[node.name], chosen)
        if node.name in unreachable and node.name in rootless
        else gevent.spawn(_on, cluster, node, run, unreachable.get(node.name), values, chosen)
        for node in cluster.nodes
    ]
    gevent.joinall(greenlets, raise_error=True)
    return [finding for greenlet in greenlets for finding in greenlet.get()]


def _on(
    cluster: Cluster,
    node: Node,
    run: RunOn,
    cause: str | None,
    values: Mapping[str, Any],
    wanted: tuple[HostCheck, ...],
) -> list[Finding]:
    known = {
        **values,
        "cluster": cluster,
        "node": node,
        "host": host(node.name, lambda command: run(node.name, command)),
    }
    findings: list[Finding] = []
    for each in wanted:
        if not each.applies(cluster, node):
            continue
        if cause is None:
            try:
                findings.append(each.finding(node.name, known))
                continue
            except UnreachableError as error:
                cause = str(error)
        findings.append(unread(each.entry.id, node.name, SILENT))
    return [*reached(node.name, cause), *findings]


def reached(name: str, cause: str | None) -> tuple[Finding, Finding]:
    """Return whether a host answered, as root, for as long as it was asked."""
    if cause is not None:
        away = judged("HOST-00", name, good=False, found=cause, wanted=ANSWER)
        return away, unread("HOST-01", name, SILENT)
    return _answered(name), judged("HOST-01", name, good=True, found=ROOT, wanted=ROOT)


def _no_root(cluster: Cluster, node: Node, cause: str, wanted: tuple[HostCheck, ...]) -> list[Finding]:
    """Return what can be said of a host that answers and gives no root: that, and nothing else."""
    asked = [each for each in wanted if each.applies(cluster, node)]
    denied = judged("HOST-01", node.name, good=False, found=cause, wanted=ROOT)
    silent = [unread(each.entry.id, node.name, "the host gives no root (HOST-01)") for each in asked]
    return [_answered(node.name), denied, *silent]


def _answered(name: str) -> Finding:
    return judged("HOST-00", name, good=True, found=ANSWER, wanted=ANSWER)
