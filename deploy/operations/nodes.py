"""Nodes of the API as the inventory declares them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.kube import Read
from deploy.observe import api, kube, nodes
from deploy.observe.kube import Key
from deploy.observe.nodes import Change
from deploy.operations import notes
from deploy.operations.kube import Commands, asked

Declared = nodes.Declared


@operation()
def declared(wanted: Sequence[Declared]) -> Commands:
    """Every node carries its declared labels and taints; one that has not joined yet is waited for."""
    found = host.get_fact(Read, paths=[api.listed("v1", "Node")])
    if not asked(found):
        yield StringCommand("true")
        return
    for node in wanted:
        live = found.live.get(Key("", "Node", "", node.name))
        if live is None:
            notes.unknown_until("workers")
            notes.reason(f"{node.name} is not a node of the cluster yet")
            continue
        change = nodes.change(node, live)
        for text in change.reasons:
            notes.reason(text)
        if change.reasons:
            yield StringCommand(_script(change))


@operation()
def unlabelled(names: Sequence[str], labels: Sequence[str]) -> Commands:
    """The nodes carry none of these labels; one that has not joined yet has none."""
    found = host.get_fact(Read, paths=[api.listed("v1", "Node")])
    if not asked(found):
        return
    for name in names:
        live = found.live.get(Key("", "Node", "", name))
        change = nodes.change(Declared(name, unlabelled=tuple(labels)), live) if live else Change(name)
        for text in change.reasons:
            notes.reason(text)
        if change.reasons:
            yield StringCommand(_script(change))


def _script(change: Change) -> str:
    lines = [kube.ENVIRONMENT]
    for verb, words in (("label", change.labels), ("taint", change.taints)):
        if words:
            lines.append(shlex.join(["kubectl", verb, "node", change.node, "--overwrite", *words]))
    return " && ".join(lines)
