"""kubeadm driven from observed state: begun, gone on with, attached to, or left alone; never reset."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pyinfra import host, state
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.kubeadm import KubeadmState, LivingVersion, ResolvConf
from deploy.model.api_server import ADMIN
from deploy.observe import kubeadm
from deploy.operations import bootstrap, credentials, etcd_members, kube, notes, transient
from deploy.operations.bootstrap import Decision, Do
from deploy.operations.files import Commands, File

JOIN_CONFIG = "/run/slipway/kubeadm-join.yaml"
API_SECONDS = 180


def _read(node: str) -> kubeadm.State:
    found: kubeadm.State | None = host.get_fact(KubeadmState, node=node)
    if found is None:
        raise HostError("systemd did not answer, so nobody knows whether kubeadm is at work on this host")
    return found


@operation()
def initialised(cluster: str, node: str, config: str) -> Commands:
    """The first control plane is up, with everything that `kubeadm init` puts into the API.

    `config` is the path of its configuration on the host.
    """
    decision = bootstrap.initialise(_read(node), cluster)
    if decision.do is not Do.NOTHING:
        notes.reason(decision.reason)
    match decision.do:
        case Do.RUN:
            command = ["kubeadm", "init", f"--config={config}", "--skip-token-print", *_ignoring(decision)]
            yield StringCommand(_started(kubeadm.INIT_UNIT, command, cluster, "init"))
        case Do.ATTACH:
            yield StringCommand(transient.awaited(kubeadm.INIT_UNIT))
        case Do.WAIT:
            yield StringCommand(_api_awaited("get --raw=/readyz", f"{ADMIN}"))
            if state.is_executing:
                yield from _gone_on_with(cluster, node, config)
        case Do.PHASES:
            yield StringCommand(_phases(decision.phases, config))


def _gone_on_with(cluster: str, node: str, config: str) -> Commands:
    """Yield what an interrupted `kubeadm init` owes an API that did not answer when this was planned."""
    found = _read(node)
    if found.unbound:
        yield StringCommand(_phases([kubeadm.BINDS], config))
        found = _read(node)
    decision = bootstrap.initialise(found, cluster)
    if decision.do is Do.PHASES:
        yield StringCommand(_phases(decision.phases, config))


@operation()
def named(node: str, config: str, network: str) -> Commands:
    """CoreDNS is deployed, by kubeadm's own phase, once the pods of the `network` run everywhere.

    `kubeadm init` would do it on one node without a network: its pods would fail, be tried again only
    twelve seconds later, and stay on that node all of them. A network that does not come is not waited
    for longer than half a minute: `network` are words of `kubectl rollout status`.
    """
    found = _read(node).api
    if kube.asked(found):
        if kubeadm.DNS in found.live:
            return
        notes.reason(f"{kubeadm.DNS} is missing")
    wait = f"kubectl --kubeconfig={ADMIN} rollout status {network} --timeout=30s"
    # its pods are Ready when they have started, and write what a sandbox needs a moment later
    yield StringCommand(f"{wait} >/dev/null 2>&1; sleep 2; {_phases(['addon coredns'], config)}")


def _phases(phases: Sequence[str], config: str) -> str:
    return " && ".join(f"kubeadm init phase {phase} --config={shlex.quote(config)}" for phase in phases)


@operation()
def joined(
    cluster: str, node: str, config: Mapping[str, Any], endpoint: str, asks: credentials.Asks
) -> Commands:
    """The node is part of the cluster, and the API knows it.

    `config` is a JoinConfiguration without discovery: the credentials are made by `asks.host` when the join
    is executed, come on stdin, live minutes and are deleted after.
    """
    decision = bootstrap.join(_read(node), cluster, control_plane="controlPlane" in config)
    if decision.do is not Do.NOTHING:
        notes.reason(decision.reason)
    match decision.do:
        case Do.RUN:
            yield from _join(cluster, node, config, endpoint, asks, decision)
        case Do.ATTACH:
            yield StringCommand(transient.awaited(kubeadm.JOIN_UNIT))
        case Do.WAIT:
            yield StringCommand(_api_awaited(f"get node {shlex.quote(node)}", kubeadm.KUBELET_CONF))
        case Do.REGISTER:
            wait = _api_awaited(f"get node {shlex.quote(node)}", kubeadm.KUBELET_CONF)
            yield StringCommand(f"systemctl restart {kubeadm.KUBELET_UNIT}\n{wait}")


def _join(
    cluster: str,
    node: str,
    config: Mapping[str, Any],
    endpoint: str,
    asks: credentials.Asks,
    decision: Decision,
) -> Commands:
    command = ["kubeadm", "join", f"--config={JOIN_CONFIG}", *_ignoring(decision)]
    script = _started(kubeadm.JOIN_UNIT, command, cluster, "join", config_on_stdin=True)
    if not state.is_executing:
        yield StringCommand(script)
        return
    plane = config.get("controlPlane")
    if plane and decision.without_data:
        etcd_members.forgotten(asks.host, node, plane["localAPIEndpoint"]["advertiseAddress"])
    made = credentials.made(asks, node, control_plane=plane is not None)
    try:
        document = {**config, **({"skipPhases": list(decision.skip)} if decision.skip else {})}
        yield StringCommand(script, _stdin=yaml.safe_dump(made.into(document, endpoint)))
    finally:
        credentials.deleted(asks, made)


def _ignoring(decision: Decision) -> list[str]:
    return [f"--ignore-preflight-errors={','.join(decision.ignore)}"] if decision.ignore else []


def _started(
    unit: str, command: Sequence[str], cluster: str, verb: str, *, config_on_stdin: bool = False
) -> str:
    """Return what notes whose attempt this is, lets kubeadm run as a unit of its own, and waits for it.

    The unit outlives the connection; its configuration, where it holds credentials, ends with it.
    """
    marker = shlex.quote(json.dumps({"cluster": cluster, "verb": verb}))
    keep = [
        f"mkdir -p /run/slipway && rm -f {JOIN_CONFIG}.part && cat > {JOIN_CONFIG}.part",
        f"mv -fT {JOIN_CONFIG}.part {JOIN_CONFIG}",
    ]
    properties = ["RuntimeMaxSec=1200"]
    if config_on_stdin:
        properties.append(f"ExecStopPost=/bin/rm -f {JOIN_CONFIG}")
    return "\n".join(
        [
            "set -eu; umask 077",
            f"mkdir -p {kubeadm.MARKER.rpartition('/')[0]}",
            f"printf '%s' {marker} > {kubeadm.MARKER}.part && mv -fT {kubeadm.MARKER}.part {kubeadm.MARKER}",
            *(keep if config_on_stdin else []),
            f"systemctl daemon-reload; systemctl enable --quiet {kubeadm.KUBELET_UNIT}",
            transient.started(unit, command, properties),
        ]
    )


def _api_awaited(question: str, kubeconfig: str) -> str:
    return "\n".join(
        [
            f"end=$(( $(date +%s) + {API_SECONDS} ))",
            f"until said=$(kubectl --kubeconfig={kubeconfig} --request-timeout=5s {question} 2>&1); do",
            '[ "$(date +%s)" -lt "$end" ] || { printf \'%s\\n\' "$said" >&2; exit 1; }; sleep 0.5; done',
        ]
    )


def drop_in(path: str, settings: Mapping[str, Any]) -> File:
    """Return our part of the kubelet's configuration as it shall be on the current host.

    A resolv.conf that is systemd-resolved's stub is passed by, or CoreDNS would ask itself. Equal settings
    are equal text: the order in an inventory restarts nothing.
    """
    resolv: str | None = host.get_fact(ResolvConf)
    if resolv is None:
        raise HostError("could not read /etc/resolv.conf, so the kubelet's resolvConf is not known")
    document = {**settings, **({} if "resolvConf" in settings else {"resolvConf": resolv})}
    return File(path, yaml.safe_dump(document, sort_keys=True).encode())


def keep_version(node: str, version: str) -> None:
    """Refuse to swap the binaries of a node that lives with another version than the declared one."""
    living: str | None = host.get_fact(LivingVersion, node=node)
    if living is None:
        notes.reason("the version that this node lives with could not be read")
    elif living not in ("", version):
        raise HostError(
            f"{node} runs Kubernetes {living}, the inventory wants {version}. Apply does not change "
            f"the version of a living node: set kubernetes.version to {living}; "
            "an upgrade is a verb of its own"
        )
