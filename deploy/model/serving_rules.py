"""What must hold between the values of an inventory about models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from deploy.model.cluster import Cluster
from deploy.model.exposure_rules import exposure_is_possible, routes_are_told_apart
from deploy.model.k3s import Packaged
from deploy.model.mistake import Mistake, Place
from deploy.model.model_volumes import ROOM, declared, is_shared, room
from deploy.model.serving import OF_VENDOR, Accelerator, Model
from deploy.model.sizes import in_bytes
from deploy.model.source import FETCHED, Source, SourceKind
from deploy.model.storage import NFS_CLASS
from deploy.model.storage_rules import unread

COMPANIONS = {
    "credentials": SourceKind.MODELKIT,
    "ca": SourceKind.MODELKIT,
    "revision": SourceKind.HUB,
    "include": SourceKind.HUB,
    "token": SourceKind.HUB,
    "path": SourceKind.PVC,
    "node": SourceKind.HOST_PATH,
}
# what slipway sets itself -> what to set instead
OWN_ENVIRONMENT = {
    "VLLM_API_KEY": "models[].api_key",
    "HF_TOKEN": "models[].source.token",
    "HUGGING_FACE_HUB_TOKEN": "models[].source.token",
    "HF_HUB_OFFLINE": "",
    "HOME": "",
    "PYTHONPATH": "",
}
# what would answer without a key -> why
OPENING = {
    "VLLM_SERVER_DEV_MODE": "opens vLLM's paths for developers, such as /collective_rpc",
    "VLLM_USE_RUST_FRONTEND": "starts a server without the middleware that closes what asks for no key",
}
SECRET_ENDS = ("_TOKEN", "_PASSWORD", "_SECRET", "_KEY")
# an address with an account, such as a proxy's: SCHEME://USER:PASSWORD@HOST
ACCOUNT = re.compile(r"://[^/@\s]+:[^/@\s]+@")


def _models(cluster: Cluster) -> Iterator[tuple[Place, Model]]:
    for index, model in enumerate(cluster.models):
        yield ("models", index), model


def models_are_unique(cluster: Cluster) -> Iterator[Mistake]:
    """No two models have one name: their objects are named after it."""
    first: dict[str, int] = {}
    for index, model in enumerate(cluster.models):
        other = first.setdefault(model.name, index)
        if other != index:
            text = f'"{model.name}" is also the name of models[{other}]; give every model its own'
            yield Mistake(("models", index, "name"), text, involves=(("models", other, "name"),))


def source_is_one(cluster: Cluster) -> Iterator[Mistake]:
    """A model comes from one place, and what is said about the place fits its kind."""
    known = ", ".join(SourceKind)
    for place, model in _models(cluster):
        kinds = model.source.kinds
        if len(kinds) != 1:
            found = " and ".join(kinds) or "none of them"
            yield Mistake((*place, "source"), f"found {found}, wanted exactly one of {known}")
            continue
        for key, kind in COMPANIONS.items():
            if getattr(model.source, key) is not None and kind is not model.source.kind:
                yield Mistake((*place, "source", key), f"goes with {kind} only; leave it out")
        yield from _incomplete((*place, "source"), model.source)


def _incomplete(place: Place, source: Source) -> Iterator[Mistake]:
    if source.kind is SourceKind.HUB and source.revision is None:
        text = "missing; wanted here: the commit of the repository, since a branch may change over night"
        yield Mistake((*place, "revision"), text)
    if source.kind is SourceKind.HOST_PATH and source.node is None:
        yield Mistake((*place, "node"), "missing; wanted here: the node that has the folder")


def source_is_there(cluster: Cluster) -> Iterator[Mistake]:
    """The store or the node that a source names is declared."""
    names = [node.name for node in cluster.nodes]
    store = cluster.object_store
    for place, model in _models(cluster):
        source = model.source
        if source.s3 is not None:
            bucket = source.s3.removeprefix("s3://").partition("/")[0]
            if store is None:
                text = "needs an object store; declare object_store, or provider: external with its endpoint"
                yield Mistake((*place, "source", "s3"), text, involves=(("object_store",),))
            elif not store.is_external and bucket not in store.buckets:
                text = f'object_store has no bucket "{bucket}"; add it to object_store.buckets'
                yield Mistake((*place, "source", "s3"), text, involves=(("object_store", "buckets"),))
        if source.node is not None and source.node not in names:
            text = f'no node is called "{source.node}"; there are: {", ".join(names)}'
            yield Mistake((*place, "source", "node"), text, involves=(("nodes",),))


def accounts_are_of_others(cluster: Cluster) -> Iterator[Mistake]:
    """The cluster's own registry is known already, and nobody can make up an account in somebody else's."""
    for place, model in _models(cluster):
        source, registry = model.source, cluster.registry
        ours = bool(source.modelkit and registry and registry.holds(source.modelkit))
        for key in ("credentials", "ca"):
            if ours and getattr(source, key) is not None:
                text = "is known of the cluster's own registry; leave it out"
                yield Mistake((*place, "source", key), text, involves=(("registry",),))
        if source.credentials and source.credentials.password.generate:
            text = "is known to the registry already, so it cannot be generated; use file or env"
            yield Mistake((*place, "source", "credentials", "password"), text)


def checksum_is_looked_at(cluster: Cluster) -> Iterator[Mistake]:
    """A checksum is compared when files are fetched, and nobody fetches those that are there."""
    for place, model in _models(cluster):
        kinds = model.source.kinds
        if model.checksum and kinds and kinds[0] not in FETCHED:
            text = f"is compared while files are fetched, and {kinds[0]} holds them already; leave it out"
            yield Mistake((*place, "checksum"), text, involves=((*place, "source"),))


def volumes_are_for_fetched_files(cluster: Cluster) -> Iterator[Mistake]:
    """A class is one of the volume that is made for fetched files; others bring theirs."""
    for place, model in _models(cluster):
        kinds = model.source.kinds
        if kinds and kinds[0] not in FETCHED:
            text = f"is of the volume that files are fetched into, and {kinds[0]} holds them; leave it out"
            yield from unread(model, place, ("storage_class", "shared_volume"), text, by="source")


def fetched_models_have_volumes(cluster: Cluster) -> Iterator[Mistake]:
    """What is fetched needs a class of volumes to be kept in."""
    packaged = cluster.is_k3s and Packaged.LOCAL_STORAGE not in cluster.packaged_off
    has_default = packaged or (cluster.storage is not None and cluster.storage.default)
    for place, model in _models(cluster):
        fetches = any(kind in FETCHED for kind in model.source.kinds)
        if fetches and model.storage_class is None and not has_default:
            yield Mistake(
                (*place, "source"),
                "needs a volume, and the cluster has no default storage class; declare storage, or name"
                " models[].storage_class",
                involves=(("storage",), (*place, "storage_class")),
            )


def replicas_share_a_volume(cluster: Cluster) -> Iterator[Mistake]:
    """Several replicas read one volume, which only a shared one gives to several nodes."""
    for place, model in _models(cluster):
        fetches = any(kind in FETCHED for kind in model.source.kinds)
        if model.replicas > 1 and fetches and not is_shared(model):
            yield Mistake(
                (*place, "replicas"),
                f"{model.replicas} replicas would share one volume that only one node can use; wanted"
                f" storage_class: {NFS_CLASS}, another class with shared_volume: true, source.pvc with a"
                " claim that several nodes share, or replicas: 1",
                involves=((*place, "storage_class"), (*place, "source")),
            )


def model_volumes_are_declared(cluster: Cluster) -> Iterator[Mistake]:
    """A model's volume is declared, of its class, large enough, and nobody else's; on NFS it is named."""
    first: dict[str, int] = {}
    for index, model in enumerate(cluster.models):
        place: Place = ("models", index, "volume")
        sizes = declared(cluster, model)
        fetches = any(kind in FETCHED for kind in model.source.kinds)
        if model.volume is None:
            if fetches and model.storage_class == NFS_CLASS:
                text = f"missing; wanted here: an export of storage.nfs; {_listed(sizes)}"
                yield Mistake(place, text, involves=(("storage",),))
        elif not fetches:
            yield Mistake(place, "is where fetched files go, and these are not fetched; leave it out")
        elif model.volume not in sizes:
            text = f'no volume "{model.volume}" of the class {model.storage_class} is declared'
            yield Mistake(place, f"{text}; {_listed(sizes)}", involves=(("storage",),))
        elif in_bytes(sizes[model.volume]) < room(model):
            text = (
                f"{model.volume} has {sizes[model.volume]}, wanted {ROOM} times the weights ({model.weights})"
            )
            yield Mistake(place, text, involves=(("storage",), ("models", index, "weights")))
        elif (other := first.setdefault(model.volume, index)) != index:
            text = f"{model.volume} is models[{other}]'s already; a volume is one model's"
            yield Mistake(place, text, involves=(("models", other, "volume"),))


def _listed(names: Iterable[str]) -> str:
    return f"there are: {', '.join(names) or 'none'}"


def accelerator_fits(cluster: Cluster) -> Iterator[Mistake]:
    """A model is computed on the GPUs that it gets, or on none."""
    for place, model in _models(cluster):
        if model.gpus is None and model.device is not Accelerator.CPU:
            text = f"{model.device} needs GPUs; declare models[].gpus, or accelerator: cpu"
            yield Mistake((*place, "accelerator"), text, involves=((*place, "gpus"),))
        elif model.gpus and model.device is not OF_VENDOR[model.gpus.vendor]:
            wanted = OF_VENDOR[model.gpus.vendor]
            text = f"{model.device} does not compute on {model.gpus.vendor}'s GPUs, wanted {wanted}"
            yield Mistake((*place, "accelerator"), text, involves=((*place, "gpus"),))


def share_is_of_gpus(cluster: Cluster) -> Iterator[Mistake]:
    """A share of a GPU's memory is said of a model that has one."""
    for place, model in _models(cluster):
        if model.gpu_memory_utilization is not None and model.gpus is None:
            text = "goes with gpus only, and there are none; set kv_cache instead"
            yield Mistake((*place, "gpu_memory_utilization"), text, involves=((*place, "gpus"),))


def parallel_fits(cluster: Cluster) -> Iterator[Mistake]:
    """A model is split over all GPUs that it gets, and over no more."""
    for place, model in _models(cluster):
        if model.gpus and model.shards != model.gpus.count:
            several = model.data_parallel > 1
            key = "data_parallel" if several else "pipeline_parallel"
            factors = f"{model.split} times {model.pipeline_parallel}"
            factors += f" times {model.data_parallel}" if several else ""
            yield Mistake(
                (*place, key if model.tensor_parallel is None else "tensor_parallel"),
                f"{factors} GPUs are {model.shards}, and each replica gets {model.gpus.count}; make both the"
                " same",
                involves=((*place, "gpus"),),
            )


def images_can_be_pinned(cluster: Cluster) -> Iterator[Mistake]:
    """An image has a tag, and its digest where nobody may ask for it without an account."""
    for place, model in _models(cluster):
        name, _, digest = (model.image or "").partition("@")
        if name and ":" not in name.rpartition("/")[2]:
            yield Mistake(
                (*place, "image"), f"{name} has no tag; wanted {name}:TAG, best with @sha256:DIGEST"
            )
        elif name and not digest and cluster.registry and cluster.registry.holds(name):
            text = "lies in the cluster's own registry, which tells nobody its digest"
            text += f"; wanted {name}@sha256:DIGEST"
            yield Mistake((*place, "image"), text, involves=(("registry",),))


def environment_is_free(cluster: Cluster) -> Iterator[Mistake]:
    """What slipway sets is not set a second time, nothing opens the API, and no secret is in an inventory."""
    for place, model in _models(cluster):
        for name, value in model.environment.items():
            where = (*place, "environment", name)
            if name in OWN_ENVIRONMENT:
                instead = OWN_ENVIRONMENT[name]
                yield Mistake(
                    where,
                    f"slipway sets this itself; {f'set {instead} instead' if instead else 'leave it out'}",
                )
            elif name in OPENING:
                yield Mistake(where, f"{OPENING[name]}; leave it out")
            elif name.upper().endswith(SECRET_ENDS):
                yield Mistake(where, "looks like a secret, and those do not belong into an inventory")
            elif ACCOUNT.search(value):
                text = "has a password in its address, and those do not belong into an inventory"
                yield Mistake(where, f"{text}; leave it out, and let these hosts in without one")


SERVING_RULES: tuple[Callable[[Cluster], Iterator[Mistake]], ...] = (
    models_are_unique,
    source_is_one,
    source_is_there,
    accounts_are_of_others,
    checksum_is_looked_at,
    volumes_are_for_fetched_files,
    fetched_models_have_volumes,
    replicas_share_a_volume,
    model_volumes_are_declared,
    accelerator_fits,
    share_is_of_gpus,
    parallel_fits,
    images_can_be_pinned,
    exposure_is_possible,
    routes_are_told_apart,
    environment_is_free,
)
