"""Harbor's projects and its robot account, by its API; and two Secrets that its chart wants."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.harbor import HarborAccounts
from deploy.facts.kube import Described
from deploy.facts.secrets import Digested
from deploy.model.labels import OWNED
from deploy.observe import harbor, kube
from deploy.observe.harbor import Accounts, Door
from deploy.observe.secrets import Where
from deploy.operations import notes
from deploy.operations.kube import Commands, asked
from deploy.operations.signing import APPLY

__all__ = ["Door", "accounts", "handed_to_helm", "signing_key"]

FOUND, ABSENT, TAKEN = 200, 404, 200
# Harbor says that it is ready before its database has all of its tables
PATIENCE = 60


def wanting(found: Accounts, projects: Sequence[str]) -> list[str]:
    """Say what is not as it shall be; empty when all is."""
    why = [f"project {name} is missing" for name in projects if found.projects.get(name) == ABSENT]
    if found.robot is None:
        return [*why, "the robot account is missing"]
    if found.robot.get("disable"):
        why.append("the robot account is disabled")
    if rights := harbor.missing_rights(found.robot, projects):
        why.append(f"the robot account may not {', '.join(rights[:3])}")
    if found.login != TAKEN:
        why.append(f"the robot account's password is not taken ({found.login or 'no answer'})")
    return why


@operation()
def accounts(door: Door, projects: Sequence[str], until: str) -> Commands:
    """Each project is there, private, and the robot account may pull from and push to all of them."""
    found: Accounts = host.get_fact(HarborAccounts, door=door, projects=list(projects))
    if found.reach is kube.Reach.SILENT:
        raise HostError(f"Harbor's accounts could not be read: {'; '.join(found.errors) or 'no answer'}")
    asked(kube.Objects(found.reach))
    if found.errors or not found.projects or not {FOUND, ABSENT} >= set(found.projects.values()):
        notes.unknown_until(until)
        notes.reason("; ".join(found.errors) or "Harbor does not answer yet")
        yield StringCommand(script(door, projects))
        return
    why = wanting(found, projects)
    for text in why:
        notes.reason(text)
    if why:
        yield StringCommand(script(door, projects))


def script(door: Door, projects: Sequence[str]) -> str:
    """Return what makes what is missing; run again after an interruption, it goes on where it was."""
    lines = [
        kube.ENVIRONMENT,
        door.shell(),
        f"end=$(( $(date +%s) + {PATIENCE} ))",
        'until admin -f -o /dev/null "$base/api/v2.0/systeminfo" 2>/dev/null; do',
        "  [ $(date +%s) -lt $end ] || { echo 'Harbor does not answer' >&2; exit 1; }; sleep 1",
        "done",
    ]
    return "\n".join([*lines, *(line for name in projects for line in _project(name)), *_robot(projects)])


def _project(name: str) -> list[str]:
    wish = {"project_name": name, "metadata": {"public": "false"}, "storage_limit": -1}
    body = shlex.quote(json.dumps(wish))
    url = f'"$base/api/v2.0/projects?project_name={name}"'
    return [
        f"admin -f -o /dev/null -I {url} 2>/dev/null || {{",
        f'  body={body}; admin -f -o /dev/null "$base/api/v2.0/projects"; }} || exit 1',
        "body=",
    ]


def _robot(projects: Sequence[str]) -> list[str]:
    robot = {
        "name": harbor.ROBOT,
        "description": "slipway pushes, the models' pods pull",
        "level": "system",
        "duration": -1,
        "disable": False,
        "permissions": harbor.permissions(projects),
    }
    known = f'$(admin "$base/api/v2.0/robots?q=name={harbor.ROBOT}&page_size=100" | {_ID})'
    return [
        f"id={known}; body={shlex.quote(json.dumps(robot))}",
        '[ -n "$id" ] || admin -f -o /dev/null "$base/api/v2.0/robots" || exit 1',
        "body=",
        f'[ -n "$id" ] || id={known}',
        "[ -n \"$id\" ] || { echo 'Harbor does not list the robot account that it made' >&2; exit 1; }",
        # an update wants the name that Harbor made of it
        f"body={shlex.quote(json.dumps({**robot, 'name': f'robot${harbor.ROBOT}'}))}",
        'admin -f -o /dev/null -X PUT "$base/api/v2.0/robots/$id" || exit 1',
        'body="{\\"secret\\": \\"$robot_password\\"}"',
        'admin -f -o /dev/null -X PATCH "$base/api/v2.0/robots/$id" || exit 1',
    ]


# the first id in a list of one; hosts need not have jq
_ID = """tr -d ' \\n' | sed -n 's/^\\[{.*"id":\\([0-9][0-9]*\\).*/\\1/p' | head -n 1"""


_SELF_SIGNED = (
    "openssl req -x509 -newkey rsa:4096 -nodes -days 3650 -subj /CN=harbor-token"
    ' -keyout "$work/key" -out "$work/crt" 2>"$work/said"'
)


@operation()
def signing_key(target: Where, until: str) -> Commands:
    """The target holds the key that Harbor signs its tokens with: RSA, made once and kept.

    Without it the chart makes another one at every render (templates/core/core-secret.yaml, genCA).
    """
    found = host.get_fact(Digested, wanted=[target])
    if asked(kube.Objects(found.reach, errors=found.errors)):
        there = found.found.get(target)
        if there is not None and {"tls.crt", "tls.key"} <= there.digests.keys():
            return
        notes.reason(f"{target} is missing; {until} makes it")
    metadata = {**target.stub()["metadata"], "labels": dict(OWNED)}
    values = {"tls.crt": "%s", "tls.key": "%s"}
    wish = {**target.stub(), "metadata": metadata, "type": "kubernetes.io/tls", "data": values}
    yield StringCommand(
        "\n".join(
            [
                "set -e; umask 077",
                kube.ENVIRONMENT,
                "mkdir -p /run/slipway; work=$(mktemp -d /run/slipway/sign.XXXXXX)",
                'trap \'rm -f "$work"/*; rmdir "$work"\' EXIT',
                f'{_SELF_SIGNED} || {{ cat "$work/said" >&2; exit 1; }}',
                f"wish={shlex.quote(json.dumps(wish))}",
                f'printf "$wish" "$(base64 -w0 < "$work/crt")" "$(base64 -w0 < "$work/key")" | {APPLY}',
            ]
        )
    )


def adopted(live: Mapping[str, Any], release: str, namespace: str) -> bool:
    """Say whether Helm takes an object for one of the release's own."""
    metadata = live["metadata"]
    named = metadata.get("annotations") or {}
    return (
        (metadata.get("labels") or {}).get("app.kubernetes.io/managed-by") == "Helm"
        and named.get("meta.helm.sh/release-name") == release
        and named.get("meta.helm.sh/release-namespace") == namespace
    )


@operation()
def handed_to_helm(target: Where, release: str) -> Commands:
    """The Secret counts as one of the release's own, so that the chart takes up the password that is in it.

    The chart's database takes none by reference; it keeps the one that it finds (templates/_helpers.tpl,
    harbor.database.rawPassword), and Helm refuses what carries no mark of the release.
    """
    found = host.get_fact(Described, paths=[target.path])
    if asked(found):
        if any(adopted(live, release, target.namespace) for live in found.live.values()):
            return
        notes.reason(f"{target} does not carry the marks of release {release}")
    name = [f"--namespace={target.namespace}", "secret", target.name, "--overwrite"]
    marks = [f"meta.helm.sh/release-name={release}", f"meta.helm.sh/release-namespace={target.namespace}"]
    label = shlex.join(["kubectl", "label", *name, "app.kubernetes.io/managed-by=Helm"])
    annotate = shlex.join(["kubectl", "annotate", *name, *marks])
    yield StringCommand(f"{kube.ENVIRONMENT}; {label} >/dev/null && {annotate} >/dev/null")
