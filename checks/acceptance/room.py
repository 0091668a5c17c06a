"""How much room the volumes of the object store and of the registry have left, where they really lie."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from checks.acceptance.hands import Hands
from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of
from checks.cluster.storage import OBJECT_STORE, home
from checks.finding import Finding
from checks.say import judged, skipped, unread
from deploy.errors import UnreachableError
from deploy.model import Cluster, RegistryProvider, RegistryStorage
from deploy.model.sizes import in_bytes

CHECK, REGISTRY = "S3-03", "REG-03"
LEAST = 10  # percent: a store that is full refuses writes, and a node with less evicts pods
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Kept:
    """A claim of ours: what its room is called, whose it is, and what it was declared to hold."""

    check: str
    namespace: str
    name: str
    size: str
    bound_by: str


def room(cluster: Cluster, seen: Snapshot, hands: Hands) -> Iterator[Finding]:
    """The file system below each has room left, and is as large as was declared."""
    store, registry = cluster.object_store, cluster.registry
    if store is not None and store.is_external:
        yield skipped(CHECK, None, f"{store.url} is not of this cluster")
    elif store is not None:
        kept = Kept(CHECK, OBJECT_STORE, store.provider.value, store.size, "S3-01")
        yield _room(cluster, seen, kept, hands)
    if registry is not None and registry.storage is RegistryStorage.S3:
        yield skipped(REGISTRY, None, f"its layers are in the object store ({CHECK})")
    elif registry is not None:
        name = "harbor-registry" if registry.provider is RegistryProvider.HARBOR else "registry"
        yield _room(cluster, seen, Kept(REGISTRY, "registry", name, registry.size, "REG-09"), hands)


def _room(cluster: Cluster, seen: Snapshot, kept: Kept, hands: Hands) -> Finding:
    claims, volumes = seen.items("persistentvolumeclaims"), seen.items("persistentvolumes")
    if claims is None or volumes is None:
        lacking = "persistentvolumeclaims" if claims is None else "persistentvolumes"
        return unread(kept.check, None, seen.cause(lacking))
    name = next((claim["spec"].get("volumeName") for claim in claims if _is(claim, kept)), None)
    volume = next((each for each in volumes if name_of(each) == name), None)
    if volume is None:
        return unread(kept.check, None, f"its claim has no volume ({kept.bound_by})")
    return _on_its_host(cluster, volume, kept, hands)


def _is(claim: Object, kept: Kept) -> bool:
    return (namespace_of(claim), name_of(claim)) == (kept.namespace, kept.name)


def _on_its_host(cluster: Cluster, volume: Object, kept: Kept, hands: Hands) -> Finding:
    spec = volume["spec"]
    path = (spec.get("hostPath") or spec.get("local") or {}).get("path")
    node = home(volume)
    if path is None or node is None or node not in {each.name for each in cluster.nodes}:
        why = "its volume lies on no host of this cluster, so no df shows its room"
        return skipped(kept.check, None, why)
    try:
        ran = hands.run(node, f"df -P -k -- {shlex.quote(path)}", timeout=20.0)
    except UnreachableError as error:
        return unread(kept.check, node, str(error))
    fields = ran.out.splitlines()[-1].split() if ran.rc == 0 and ran.out.strip() else []
    if len(fields) < 6 or not (fields[-5].isdigit() and fields[-3].isdigit()):
        said = ran.err.strip() or ran.out.strip()[:80]
        return unread(kept.check, node, f"df said nothing of {path}: {said}")
    total, free = int(fields[-5]) << 10, int(fields[-3]) << 10
    return judged(
        kept.check,
        node,
        free * 100 >= total * LEAST and total >= in_bytes(kept.size),
        found=f"{free // GIB} of {total // GIB} GiB free in {fields[-1]}, {kept.size} declared",
        wanted=f">= {LEAST} % free, and a disk of at least {kept.size}",
    )
