"""How much room the object store's volume has left, where it really lies."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from checks.acceptance.hands import Hands
from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of
from checks.cluster.storage import OBJECT_STORE
from checks.finding import Finding
from checks.say import judged, skipped, unread
from deploy.errors import UnreachableError
from deploy.model import Cluster
from deploy.model.sizes import in_bytes

CHECK = "S3-03"
LEAST = 10  # percent: a store that is full refuses writes, and a node with less evicts pods
GIB = 1 << 30


def room(cluster: Cluster, seen: Snapshot, hands: Hands) -> Iterator[Finding]:
    """The file system below the store has room left, and is as large as the store was declared."""
    store = cluster.object_store
    if store is None:
        return
    if store.is_external:
        yield skipped(CHECK, None, f"{store.url} is not of this cluster")
        return
    claims, volumes = seen.items("persistentvolumeclaims"), seen.items("persistentvolumes")
    if claims is None or volumes is None:
        yield unread(
            CHECK, None, seen.cause("persistentvolumeclaims" if claims is None else "persistentvolumes")
        )
        return
    name = next(
        (claim["spec"].get("volumeName") for claim in claims if _is(claim, store.provider.value)), None
    )
    volume = next((each for each in volumes if name_of(each) == name), None)
    if volume is None:
        yield unread(CHECK, None, "its claim has no volume (S3-01)")
        return
    yield _on_its_host(cluster, volume["spec"], store.size, hands)


def _is(claim: Object, name: str) -> bool:
    return (namespace_of(claim), name_of(claim)) == (OBJECT_STORE, name)


def _on_its_host(cluster: Cluster, spec: Any, size: str, hands: Hands) -> Finding:
    path = (spec.get("hostPath") or spec.get("local") or {}).get("path")
    node = _node(spec)
    if path is None or node not in {each.name for each in cluster.nodes}:
        return skipped(CHECK, None, "its volume lies on no host of this cluster, so no df shows its room")
    try:
        ran = hands.run(node, f"df -P -k -- {shlex.quote(path)}", timeout=20.0)
    except UnreachableError as error:
        return unread(CHECK, node, str(error))
    fields = ran.out.splitlines()[-1].split() if ran.rc == 0 and ran.out.strip() else []
    if len(fields) < 6 or not (fields[-5].isdigit() and fields[-3].isdigit()):
        return unread(CHECK, node, f"df said nothing of {path}: {ran.err.strip() or ran.out.strip()[:80]}")
    total, free = int(fields[-5]) << 10, int(fields[-3]) << 10
    return judged(
        CHECK,
        node,
        free * 100 >= total * LEAST and total >= in_bytes(size),
        found=f"{free // GIB} of {total // GIB} GiB free in {fields[-1]}, {size} declared",
        wanted=f">= {LEAST} % free, and a disk of at least {size}",
    )


def _node(spec: Any) -> str:
    """Return the one host that a volume can be reached from, by its affinity."""
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or ()
    values = [
        value
        for term in terms
        for expression in term.get("matchExpressions") or ()
        if expression.get("key") == "kubernetes.io/hostname"
        for value in expression.get("values") or ()
    ]
    return values[0] if len(values) == 1 else ""
