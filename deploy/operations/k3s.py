"""k3s from observed state: its token fetched, its start bounded, what keeps it from joining named."""

from __future__ import annotations

import base64
import hashlib
import shlex

from pyinfra import host, inventory, state
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.errors import HostError
from deploy.facts.files import Digests
from deploy.facts.k3s import K3sState, LinkTarget
from deploy.facts.kube import Described
from deploy.model.api_server import ADMIN, K3S_ADMIN
from deploy.model.row import Disturbs
from deploy.observe import k3s as observed
from deploy.observe.kube import Reach
from deploy.observe.secrets import Where
from deploy.operations import elsewhere, files, notes, units
from deploy.operations.files import Commands, File
from deploy.operations.units import Unit

SERVER_UNIT, AGENT_UNIT = observed.SERVER_UNIT, observed.AGENT_UNIT
RECORD = observed.record_command()
# a server on an old disk, with its images still to be unpacked; an agent waits for its server as long
START_SECONDS = 150


def _read(unit: str, node: str) -> observed.State:
    found: observed.State | None = host.get_fact(K3sState, unit=unit, node=node)
    if found is None:
        raise HostError(f"could not read {unit}: systemd did not answer `systemctl show`")
    return found


@operation()
def token_known(path: str, speaker: str, *, server: bool) -> Commands:
    """The host holds the token that the cluster has now; it never appears in a command."""
    source = observed.SERVER_TOKEN if server else observed.AGENT_TOKEN
    asked: dict[str, str] | None = inventory.get_host(speaker).get_fact(Digests, paths=[source])
    wanted = (asked or {}).get(source)
    if wanted is None and state.is_executing:
        raise HostError(
            f"{speaker} has no {source}, so there is no cluster to join; look at k3s on {speaker}"
        )
    if wanted is None:
        notes.unknown_until("control-plane")
        notes.reason("there is no cluster to join yet")
        yield StringCommand("true")
        return
    there = files.read([path]).get(path)
    if there and (there.mode, there.user, there.group, there.sha256) == ("0600", "root", "root", wanted):
        return
    was = f"sha256 {there.sha256}, {there.mode} {there.user}:{there.group}" if there else ""
    notes.reason(f"{path} {'is not the token of the cluster, for root alone' if there else 'is missing'}")
    notes.diff(path, was, f"sha256 {wanted}, 0600 root:root")
    if state.is_executing:
        content = base64.b64decode("".join(elsewhere.said(speaker, f"base64 -w0 {source}")))
        if hashlib.sha256(content).hexdigest() != wanted:
            raise HostError(f"{speaker} gave another token than it had a moment ago; apply again")
        yield from files.present._inner([File(path, content, mode="0600", secret=True)])
    else:
        yield StringCommand("umask 077 && cat >", QuoteString(path))


@operation()
def may_found(node: str, speaker: str | None, unit: str) -> Commands:
    """A host without state makes a cluster only where none answers: k3s would make a second one beside it."""
    if speaker and speaker != node and not _read(unit, node).has_state:
        raise HostError(
            f"the cluster lives on {speaker}, and {node} has lost its state: k3s would make a new, empty"
            f" cluster here. Delete the node {node} and list another control plane first in the inventory,"
            " so that this host joins again"
        )
    yield from ()


@operation()
def admitted(node: str, speaker: str, unit: str) -> Commands:
    """No other machine is known to the cluster under this node's name: k3s would refuse this one for ever."""
    if _read(unit, node).has_password:
        return
    name = f"{node}.node-password.k3s"
    paths = [Where("kube-system", name).path]
    found = inventory.get_host(speaker).get_fact(Described, paths=paths)
    if found.reach is Reach.ANSWERS and found.live:
        raise HostError(
            f"the cluster remembers another machine as {node}, and this one has no {observed.NODE_PASSWORD}:"
            f" k3s would refuse it. When the other machine is gone for good, run on {speaker}"
            f" `kubectl -n kube-system delete secret {name}` and apply again"
        )
    yield from ()


@operation()
def brought_up(unit: Unit, node: str, disturbs: Disturbs = Disturbs.SERVICE) -> Commands:
    """k3s runs with its files as they are, what it generated is untouched, and the API knows the node.

    A restart of k3s that is not up, such as an agent that is refused, disturbs nothing and waits for nobody.
    """
    found = _read(unit.name, node)
    disturbs = disturbs if found.active == "active" else Disturbs.NOTHING
    started: list[str] = []

    def bounded(verb: str, name: str) -> StringCommand:
        started.append(verb)
        return StringCommand(started_script(verb, name, node))

    yield from units.brought_up._inner(unit, disturbs=disturbs, bounded=bounded)
    if started:
        return
    if found.active != "active":
        notes.reason(f"{unit.name} is {found.active}, it shall be up")
        yield bounded("start", unit.name)
    elif reason := _unwell(found, node):
        notes.reason(f"{unit.name} restarts: {reason}")
        notes.disturbs(disturbs)
        yield bounded("restart", unit.name)


def _unwell(found: observed.State, node: str) -> str | None:
    if found.edited:
        return f"{observed.GENERATED} was edited, and k3s writes it anew at every start"
    return f"the API does not know {node} any more" if found.known is False else None


@operation()
def admin_linked() -> Commands:
    """An administrator's credentials are found where they are on every control plane."""
    target = host.get_fact(LinkTarget, path=ADMIN)
    if target == K3S_ADMIN:
        return
    found = files.read([ADMIN]).get(ADMIN)
    if found and found.kind.value != "symbolic link":
        raise HostError(f"{ADMIN} is a {found.kind}, of a cluster that is not this one; find out whose it is")
    notes.reason(f"{ADMIN} {f'points to {target}' if target else 'is missing'}, wanted a link to {K3S_ADMIN}")
    directory = QuoteString(ADMIN.rpartition("/")[0])
    yield StringCommand("mkdir -p", directory, "&& ln -sfn", QuoteString(K3S_ADMIN), QuoteString(ADMIN))


def started_script(verb: str, unit: str, node: str, seconds: int = START_SECONDS) -> str:
    """Return the shell that starts or restarts k3s, and ends once the API knows the node, or says why not.

    k3s tries for ever. What waiting does not mend is told once k3s has said it a few times; the unit is left
    as it is, so that it joins by itself when the cause is gone.
    """
    name, count, others = shlex.quote(unit), observed.LASTING, shlex.quote(observed.OF_CLIENTS)
    journal = f'journalctl -u {name} --since "@$begin" --no-pager -o cat'
    ask = f"/usr/local/bin/k3s kubectl --kubeconfig={observed.KUBECONFIG} --request-timeout=5s get node"
    return "\n".join(
        [
            f"begin=$(date +%s); before=$(systemctl show --value -p InvocationID {name})",
            f"systemctl --no-block {verb} -- {name} || exit 1",
            "while :; do",
            f"  now=$(systemctl show --value -p ActiveState {name})",
            f"  id=$(systemctl show --value -p InvocationID {name})",
            f'  if [ "$now" = active ] && {{ [ {verb} = start ] || [ "$id" != "$before" ]; }}; then',
            f"    {ask} {shlex.quote(node)} -o name >/dev/null 2>&1 && exit 0; fi",
            f"  said=$({journal} -t k3s | grep -vF {others})",
            f"  times=$(printf '%s\\n' \"$said\" | grep -cE {shlex.quote(_lasting())})",
            f'  [ "$times" -lt {count} ] && [ "$(date +%s)" -lt $((begin + {seconds})) ] || break',
            "  sleep 0.5",
            "done",
            f'[ -n "$said" ] || said=$({journal})',  # systemd's own words, when k3s could not even be run
            _named(node),
            f"echo {name} 'did not come up:' \"$why\" >&2",
            "printf '%s\\n' \"$said\" | tail -n 8 >&2",
            "exit 1",
        ]
    )


def _lasting() -> str:
    return "|".join(cause.words for cause in observed.CAUSES if cause.lasting)


def _named(node: str) -> str:
    """Return the shell that finds the first known cause in $said and calls it $why."""
    branches = [
        f"printf '%s\\n' \"$said\" | grep -qE {shlex.quote(cause.words)}; then"
        f" why={shlex.quote(cause.meaning.replace('NODE', node))}"
        for cause in observed.CAUSES
    ]
    return f"if {'; elif '.join(branches)}; else why={shlex.quote(observed.UNKNOWN)}; fi"
