"""k3s' options by version: what a server takes and what an agent, and whether an inventory's are among them.

A server skips an option that it does not know with a warning in its log, an agent ends; neither may happen.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, JsonValue

from deploy.catalog.entries import minor_of, parts
from deploy.model.mistake import Mistake, Place, shown

FLAGS = Path(__file__).with_name("k3s_flags.yaml")
PLACE: Place = ("kubernetes", "k3s")
SERVER, AGENT = "server", "agent"
# what slipway writes itself -> the inventory's key for it
OWN = {
    "agent-token-file": "",
    "cluster-cidr": "kubernetes.pod_cidr",
    "cluster-init": "kubernetes.k3s.datastore",
    "cluster-reset": "",
    "cluster-reset-restore-path": "",
    "config": "",
    "data-dir": "",
    "disable": "kubernetes.k3s.disable",
    "flannel-backend": "kubernetes.k3s.flannel_backend",
    "node-ip": "nodes[].address",
    "node-label": "nodes[].labels",
    "node-name": "nodes[].name",
    "node-taint": "nodes[].taints",
    "private-registry": "artifacts.registry_mirror",
    "server": "kubernetes.endpoint",
    "service-cidr": "kubernetes.service_cidr",
    "token-file": "",
    "with-node-id": "nodes[].name",
    "write-kubeconfig": "",
}
# the same for flags of the components that an option hands on
OWN_ARGUMENTS = {
    "feature-gates": "kubernetes.feature_gates",
    "proxy-mode": "kubernetes.proxy_mode",
}
WANTED = {
    "bool": "true or false",
    "int": "a whole number",
    "string": "a text",
    "list": "a text or a list of texts",
}


class Flags(BaseModel):
    """k3s_flags.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minors: tuple[str, ...]
    server: dict[str, str]
    node: dict[str, str]
    agent: dict[str, str]
    since: dict[str, str]
    removed: dict[str, str]
    values: dict[str, tuple[str, ...]]
    critical: tuple[str, ...]
    secret: dict[str, str]
    environment: dict[str, str]

    def of(self, role: str, version: str) -> dict[str, str]:
        """Return the options of a role (server, agent) in a version: name -> kind of value."""
        own = self.server if role == SERVER else self.agent
        return {name: kind for name, kind in (self.node | own).items() if not self._later(name, version)}

    def _later(self, name: str, version: str) -> bool:
        return name in self.since and parts(f"{self.since[name]}.0") > parts(version)


@lru_cache(maxsize=1)
def load() -> Flags:
    """Return the options of every version that can be installed."""
    return Flags.model_validate(yaml.safe_load(FLAGS.read_text()))


def check(version: str, role: str, options: Mapping[str, JsonValue]) -> list[Mistake]:
    """Return what is wrong with an inventory's options for a role (server, agent)."""
    flags = load()
    if minor_of(version) not in flags.minors:
        text = f"the options of k3s {minor_of(version)} are not known, those of {', '.join(flags.minors)} are"
        return [Mistake((*PLACE, role), text)] if options else []
    return [
        Mistake((*PLACE, role, name), text)
        for name, value in options.items()
        for text in _wrong(flags, version, role, name, value)
    ]


def _wrong(flags: Flags, version: str, role: str, name: str, value: JsonValue) -> Iterator[str]:
    known = flags.of(role, version)
    if name not in known:
        yield _unknown(flags, version, role, name)
    elif name in OWN:
        yield f"slipway sets this itself; {f'set {OWN[name]} instead' if OWN[name] else 'leave it out'}"
    elif name in flags.secret:
        yield _secret(flags.secret[name])
    elif not _fits(known[name], value):
        yield f"found {shown(value)}, wanted {WANTED[known[name]]}"
    else:
        yield from _words(flags, name, value)


def _unknown(flags: Flags, version: str, role: str, name: str) -> str:
    minor = minor_of(version)
    if name in flags.removed:
        return f"k3s has no such option any more; use {flags.removed[name]}"
    if name in flags.since and name in flags.server | flags.node | flags.agent:
        return f"the option comes with k3s {flags.since[name]}, this is {minor}; leave it out"
    if role == AGENT and name in flags.server:
        return "only a server takes this option; move it to kubernetes.k3s.server"
    if role == SERVER and name in flags.agent:
        return "only an agent takes this option; move it to kubernetes.k3s.agent"
    near = difflib.get_close_matches(name, flags.of(role, version), n=1)
    return f"k3s {minor} has no such option" + "".join(f"; did you mean {word}?" for word in near)


def _secret(instead: str) -> str:
    advice = (
        f"name a file or Secret with {instead}" if instead else "k3s has no option that names a file for it"
    )
    return f"a secret does not belong into an inventory; {advice}"


def _fits(kind: str, value: JsonValue) -> bool:
    match kind:
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "list":
            return isinstance(value, str) or (
                isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
            )
        case _:
            return isinstance(value, str)


def _words(flags: Flags, name: str, value: Any) -> Iterator[str]:
    if name in flags.values and value not in flags.values[name]:
        yield f"found {shown(value)}, wanted one of: {', '.join(flags.values[name])}"
    if name.endswith("-arg"):
        for item in [value] if isinstance(value, str) else value:
            argument = item.partition("=")[0].removeprefix("--")
            if argument in OWN_ARGUMENTS:
                yield f"slipway sets {argument} itself; set {OWN_ARGUMENTS[argument]} instead"
