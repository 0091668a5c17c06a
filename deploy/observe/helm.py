"""Helm's releases as they are stored in the cluster, and what their manifests say."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from deploy.observe import api
from deploy.observe.difference import Path, unmet
from deploy.observe.kube import Key, Object, Objects, key

# the label of a release that says what it was made of; helm keeps labels beside the release's Secret
DESIRED = "slipway.dev/desired"
PENDING = ("pending-install", "pending-upgrade", "pending-rollback")


@dataclass(frozen=True, slots=True)
class Revision:
    """One stored revision of a release; `desired` is slipway's digest of what it was made of, if any."""

    number: int
    status: str
    desired: str | None
    manifest: tuple[Object, ...]


def revisions(found: Objects) -> list[Revision]:
    """Return the revisions among Helm's Secrets, oldest first; one that can't be decoded has no manifest."""
    stored = [_revision(secret) for secret in found.live.values()]
    return sorted((one for one in stored if one is not None), key=lambda one: one.number)


def _revision(secret: Mapping[str, Any]) -> Revision | None:
    labels = secret["metadata"].get("labels") or {}
    if labels.get("owner") != "helm":
        return None
    return Revision(
        int(labels.get("version", "0")),
        labels.get("status", "unknown"),
        labels.get(DESIRED),
        _manifest((secret.get("data") or {}).get("release", "")),
    )


def _manifest(data: str) -> tuple[Object, ...]:
    """Decode what Helm stores: base64 (the Secret's) of base64 (Helm's) of gzip of JSON."""
    try:
        release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data))))
        documents = list(yaml.load_all(release.get("manifest", ""), Loader=_Loader))
    except (binascii.Error, OSError, EOFError, ValueError, yaml.YAMLError):
        return ()
    return tuple(document for document in documents if document)


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def paths(manifest: tuple[Object, ...], namespace: str) -> list[str]:
    """Return where a manifest's objects live; one without a namespace may be in its own or in none."""
    found = []
    for document in manifest:
        name, own = document["metadata"]["name"], document["metadata"].get("namespace")
        for home in (own,) if own else (namespace, None):
            found.append(api.path({**document, "metadata": {"name": name, "namespace": home}}))
    return found


# written by controllers into objects that a chart ships without them
_INJECTED = ("caBundle", "status", "namespace")


def drifts(manifest: tuple[Object, ...], namespace: str, found: Objects) -> list[tuple[Key, list[Path]]]:
    """Return where live objects differ from what the release's manifest says; a missing object at ().

    Only what the manifest names counts, so defaults, other owners' fields, injected CA bundles and
    generated certificates are no drift.
    """
    result = []
    for document in manifest:
        live = _live(document, namespace, found)
        paths: list[Path] = (
            [()] if live is None else [path for path in unmet(document, live) if not _injected(path)]
        )
        if paths:
            result.append((key(document), paths))
    return result


def _live(document: Object, namespace: str, found: Objects) -> Object | None:
    wanted = key(document)
    for where in dict.fromkeys((wanted.namespace, namespace, "")):
        live = found.live.get(Key(wanted.group, wanted.kind, where, wanted.name))
        if live is not None:
            return live
    return None


def _injected(path: Path) -> bool:
    return path[-1] in _INJECTED or path[0] == "status"
