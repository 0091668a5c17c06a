"""Helm releases: a pinned chart with declared values, compared with the release and with what lives of it."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.kube import Read
from deploy.model.row import Disturbs
from deploy.observe import api, helm, kube
from deploy.observe.helm import Revision
from deploy.operations import notes
from deploy.operations.kube import Commands, asked


@dataclass(frozen=True, slots=True)
class Release:
    """A release as it shall be: `chart` is a path on the host or oci://REF, `sha256` what it is pinned to."""

    name: str
    namespace: str
    chart: str
    sha256: str
    values: Mapping[str, Any]
    plain_http: bool = False

    @property
    def desired(self) -> str:
        """A digest of chart and values, short enough for a label."""
        text = json.dumps([self.sha256, self.values], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:40]


@operation()
def released(release: Release, disturbs: Disturbs = Disturbs.NOTHING) -> Commands:
    """The release is deployed from this chart with these values, and its objects are as its manifest says.

    One that slipway has not made is left to its owner, as an error.
    """
    found = host.get_fact(Read, paths=[_revisions(release.name, release.namespace)])
    if not asked(found):
        yield upgrade(release)
        return
    known = helm.revisions(found)
    if known and all(each.desired is None for each in known):
        raise _foreign(release.name, release.namespace)
    reasons = stale(release, known) or _drifted(release, known[-1])
    if not reasons:
        return
    for text in reasons:
        notes.reason(text)
    notes.diff(f"values of {release.name}", _values(release, known), yaml.safe_dump(dict(release.values)))
    notes.disturbs(disturbs)
    yield upgrade(release)


def _revisions(release: str, namespace: str) -> str:
    return api.listed("v1", "Secret", namespace, selector=f"owner=helm,name={release}")


def _foreign(release: str, namespace: str) -> HostError:
    return HostError(
        f"release {namespace}/{release} is in the way and was not made by slipway;"
        f" remove it: helm uninstall {release} --namespace {namespace}"
    )


def stale(release: Release, known: list[Revision]) -> list[str]:
    """Say why the newest revision is not what is wanted; empty when it is."""
    name = f"release {release.namespace}/{release.name}"
    if not known:
        return [f"{name} is missing"]
    newest = known[-1]
    if newest.status in helm.PENDING:
        return [f"{name}: revision {newest.number} was interrupted ({newest.status}) and is made again"]
    if newest.status != "deployed":
        return [f"{name}: revision {newest.number} is {newest.status}, wanted deployed"]
    if newest.desired is None:
        return [f"{name}: revision {newest.number} was not made by slipway"]
    if newest.desired != release.desired:
        return [f"{name}: revision {newest.number} was made of another chart or other values"]
    return []


def _drifted(release: Release, newest: Revision) -> list[str]:
    """Compare the newest revision's manifest with what lives."""
    if not newest.manifest:
        return [f"release {release.namespace}/{release.name}: revision {newest.number} could not be decoded"]
    found = host.get_fact(Read, paths=helm.paths(newest.manifest, release.namespace))
    asked(found)
    return [
        f"{name} is gone" if paths == [()] else f"{name} differs at {', '.join(map('.'.join, paths))}"
        for name, paths in helm.drifts(newest.manifest, release.namespace, found)
    ]


def _values(release: Release, known: list[Revision]) -> str:
    same = known and known[-1].desired == release.desired
    return yaml.safe_dump(dict(release.values)) if same else ""


def upgrade(release: Release) -> StringCommand:
    """Install or upgrade, one at a time per host; values come on stdin and stay nowhere.

    An unfinished revision of this release is forgotten first: what it made stays and is taken up again,
    while Helm itself would refuse to go on. Nothing is waited for here.
    """
    pending = f"owner=helm,name={release.name},status in ({','.join(helm.PENDING)})"
    forget = shlex.join(
        ["kubectl", "delete", "secret", "-n", release.namespace, "--ignore-not-found", "-l", pending]
    )
    install = shlex.join(
        [
            *("helm", "upgrade", release.name, release.chart, "--install", "--namespace", release.namespace),
            *("--create-namespace", "--server-side=true", "--force-conflicts", "--history-max=3"),
            *("--reset-values", "--labels", f"{helm.DESIRED}={release.desired}", "--hide-notes"),
            *("--timeout=120s", "-f", "-", *(["--plain-http"] if release.plain_http else [])),
        ]
    )
    return StringCommand(
        "\n".join(
            [
                f"{kube.ENVIRONMENT} HELM_CACHE_HOME=/run/slipway/helm HELM_CONFIG_HOME=/run/slipway/helm",
                "mkdir -p /run/slipway; exec 9>/run/slipway/helm.lock; flock -w 300 9 || exit 1",
                f"values=$(cat); {forget} >/dev/null || exit 1",
                f"printf '%s' \"$values\" | {install}",
            ]
        ),
        _stdin=yaml.safe_dump(dict(release.values)),
    )


@operation()
def uninstalled(release: str, namespace: str) -> Commands:
    """There is no such release; one that slipway has not made is left to its owner, as an error."""
    found = host.get_fact(Read, paths=[_revisions(release, namespace)])
    if not asked(found):
        return
    known = helm.revisions(found)
    if not known:
        return
    if known[-1].desired is None:
        raise _foreign(release, namespace)
    notes.reason(f"release {namespace}/{release} is no longer declared")
    remove = shlex.join(["helm", "uninstall", release, "--namespace", namespace, "--wait", "--timeout=300s"])
    yield StringCommand(f"{kube.ENVIRONMENT}; {remove}")
