"""kube-proxy's configuration on a living cluster: kubeadm writes it once, and never looks at it again."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from typing import Any

import yaml
from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.kube import Read
from deploy.model.row import Disturbs
from deploy.model.settings import merged
from deploy.observe import api, kube
from deploy.observe.difference import unmet
from deploy.observe.kube import Key, Object
from deploy.operations import notes
from deploy.operations.kube import Commands, asked

CONFIG = Key("", "ConfigMap", "kube-system", "kube-proxy")
PODS = Key("apps", "DaemonSet", "kube-system", "kube-proxy")
# on the ConfigMap: what was written; on the pods' template: what they run with. Where the two differ
# a run was interrupted between writing and restarting
DIGEST = "slipway.dev/config"
_PATHS = [
    f"{api.listed(version, each.kind, each.namespace)}/{each.name}"
    for version, each in (("v1", CONFIG), ("apps/v1", PODS))
]


@operation()
def configured(settings: Mapping[str, Any]) -> Commands:
    """kube-proxy runs with these settings on every node; what they do not name stays as kubeadm wrote it."""
    found = host.get_fact(Read, paths=_PATHS)
    if not asked(found):
        yield StringCommand("true")
        return
    if CONFIG not in found.live or PODS not in found.live:
        raise HostError(f"{CONFIG} or {PODS} is missing; run `slipway apply --only control-plane` first")
    current = _parsed(found.live[CONFIG])
    written, running = _digest_of(found.live[CONFIG]), _digest_of(found.live[PODS]["spec"]["template"])
    digest = written
    if paths := unmet(dict(settings), current):
        text = yaml.safe_dump(merged(current, settings), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        notes.reason(f"kube-proxy's configuration differs at {', '.join(map('.'.join, paths))}")
        notes.diff("kube-proxy's config.conf", yaml.safe_dump(current, sort_keys=True), text)
        yield _patched("configmap", {**_annotated(digest), "data": {"config.conf": text}})
    if digest is not None and digest != running:
        notes.reason("kube-proxy's pods do not run with the configuration that was written")
        notes.disturbs(Disturbs.SERVICE)
        yield _patched("daemonset", {"spec": {"template": _annotated(digest)}})


def _parsed(config: Object) -> dict[str, Any]:
    try:
        found = yaml.safe_load(config["data"]["config.conf"])
    except (KeyError, TypeError, yaml.YAMLError):
        found = None
    if not isinstance(found, dict):
        raise HostError(f"{CONFIG} holds no config.conf that could be read; wanted a KubeProxyConfiguration")
    return found


def _digest_of(obj: Object) -> str | None:
    digest = ((obj.get("metadata") or {}).get("annotations") or {}).get(DIGEST)
    return str(digest) if digest else None


def _annotated(digest: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {DIGEST: digest}}}


def _patched(kind: str, patch: Mapping[str, Any]) -> StringCommand:
    words = ["kubectl", "patch", kind, "kube-proxy", "-n", "kube-system", "--type=merge"]
    # sshd's stdin may be a socket, which cannot be opened by its name: cat makes a pipe of it
    command = f"cat | {shlex.join(words)} --patch-file=/dev/stdin"
    return StringCommand(f"{kube.ENVIRONMENT}; {command}", _stdin=json.dumps(patch))
