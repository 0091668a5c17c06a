"""What must hold between the values of an inventory about volumes and the object store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from deploy.model.cluster import Cluster
from deploy.model.mistake import Mistake, Place
from deploy.model.placement import HOSTNAME, Placement
from deploy.model.section import Section

STORE: Place = ("object_store",)


def volumes_are_unique(cluster: Cluster) -> Iterator[Mistake]:
    """A volume's name is one in the cluster, whatever it lies on."""
    storage = cluster.storage
    if storage is None:
        return
    declared: list[tuple[Place, str]] = [
        *((("storage", "volumes", index, "name"), each.name) for index, each in enumerate(storage.volumes)),
        *((("storage", "nfs", index, "name"), each.name) for index, each in enumerate(storage.nfs)),
    ]
    times = Counter(name for _, name in declared)
    seen: set[str] = set()
    for place, name in declared:
        if times[name] > 1 and name in seen:
            yield Mistake(place, f'"{name}" is also the name of another volume; give every volume its own')
        seen.add(name)


def volumes_have_nodes(cluster: Cluster) -> Iterator[Mistake]:
    """A local volume lies on a node of this inventory, and no two lie in one folder."""
    names = [node.name for node in cluster.nodes]
    taken: dict[tuple[str, str], str] = {}
    for index, volume in enumerate(cluster.storage.volumes if cluster.storage else ()):
        place: Place = ("storage", "volumes", index)
        if volume.node not in names:
            text = f'no node is called "{volume.node}"; there are: {", ".join(names)}'
            yield Mistake((*place, "node"), text, involves=(("nodes",),))
        other = taken.setdefault((volume.node, volume.path), volume.name)
        if other != volume.name:
            yield Mistake((*place, "path"), f"{volume.path} of {volume.node} is also the volume {other}")


def store_is_complete(cluster: Cluster) -> Iterator[Mistake]:
    """An external store says where it is and who asks; one in the cluster says neither."""
    store = cluster.object_store
    if store is None:
        return
    if store.is_external:
        for key, found in {"endpoint": store.endpoint, "credentials": store.credentials}.items():
            if found is None:
                yield Mistake((*STORE, key), "missing; wanted here for provider: external")
        ours = ("size", "storage_class", "image", "placement")
        text = "is of a store in the cluster; leave it out for provider: external"
        yield from unread(store, STORE, ours, text)
    else:
        theirs = ("endpoint", "region", "credentials", "ca")
        text = f"is of provider: external only; leave it out for {store.provider}"
        yield from unread(store, STORE, theirs, text)


def unread(
    section: Section, place: Place, keys: tuple[str, ...], text: str, *, by: str = "provider"
) -> Iterator[Mistake]:
    """Yield the keys that are given and that nobody reads, because of what the section's key `by` says."""
    for key in keys:
        if getattr(section, key) != type(section).model_fields[key].default:
            yield Mistake((*place, key), text, involves=((*place, by),))


def external_credentials_exist(cluster: Cluster) -> Iterator[Mistake]:
    """Nobody can make up the credentials of somebody else's store."""
    credentials = cluster.object_store.credentials if cluster.object_store else None
    if credentials is None:
        return
    for key in ("access_key", "secret_key"):
        if getattr(credentials, key).generate:
            yield Mistake(
                (*STORE, "credentials", key), "is the store's own, so it cannot be generated; use file or env"
            )


def store_has_a_volume(cluster: Cluster) -> Iterator[Mistake]:
    """A store in the cluster has a class that makes its volume; k3s brings one."""
    store = cluster.object_store
    if store is None or store.is_external or store.storage_class:
        return
    default = cluster.storage is not None and cluster.storage.default
    bundled = cluster.is_k3s and cluster.storage is None
    if not default and not bundled:
        yield Mistake(
            (*STORE, "storage_class"),
            "missing, and no default class is declared for its volume; declare storage, or name a class",
            involves=(("storage",), ("kubernetes", "distribution")),
        )


def buckets_are_unique(cluster: Cluster) -> Iterator[Mistake]:
    """A bucket is named once."""
    for name, times in Counter(cluster.object_store.buckets if cluster.object_store else ()).items():
        if times > 1:
            yield Mistake((*STORE, "buckets"), f"{name} is given {times} times; once is enough")


def unplaced(cluster: Cluster, place: Place, placement: Placement) -> Iterator[Mistake]:
    """Yield that no declared node is selected; labels that nobody declares may come from elsewhere."""
    labels = [{**node.labels, HOSTNAME: node.name} for node in cluster.nodes]
    declared = {key for each in labels for key in each}
    wanted = {key: value for key, value in placement.node_selector.items() if key in declared}
    if wanted and not any(wanted.items() <= each.items() for each in labels):
        shown = ", ".join(f"{key}={value}" for key, value in wanted.items())
        text = f"no node has {shown}; label one in nodes[].labels, or select others"
        yield Mistake((*place, "placement", "node_selector"), text, involves=(("nodes",),))


def store_is_placed(cluster: Cluster) -> Iterator[Mistake]:
    """Some node may run the store."""
    if cluster.object_store:
        yield from unplaced(cluster, STORE, cluster.object_store.placement)


STORAGE_RULES: tuple[Callable[[Cluster], Iterator[Mistake]], ...] = (
    volumes_are_unique,
    volumes_have_nodes,
    store_is_complete,
    external_credentials_exist,
    store_has_a_volume,
    buckets_are_unique,
    store_is_placed,
)
