"""Claims of volumes: what cannot be done to one is said before it is tried, and what is in one is kept."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.errors import HostError
from deploy.facts.kube import Read
from deploy.model.sizes import in_bytes
from deploy.observe import api, kube
from deploy.observe.kube import Key, Object
from deploy.operations import notes
from deploy.operations.kube import Commands, asked

RETAIN = "Retain"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as it is declared; `place` is where the inventory says its size, `storage_class` None: any."""

    namespace: str
    name: str
    size: str
    place: str
    storage_class: str | None = None

    @property
    def key(self) -> Key:
        """Its name in the world."""
        return Key("", "PersistentVolumeClaim", self.namespace, self.name)

    def stub(self) -> Object:
        """Return the object without what it asks for."""
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}


@operation()
def fit(claims: Sequence[Claim]) -> Commands:
    """No living claim would have to shrink, to grow where it can't, or to move to another class."""
    yield from ()
    live = _live(claims)
    if live is None:
        return
    growing = _growing() if any(_grows(claim, live) for claim in claims) else {}
    wrong = [
        text for claim in claims if claim.key in live for text in _unfit(claim, live[claim.key], growing)
    ]
    if wrong:
        raise HostError("\n".join(wrong))


def _live(claims: Sequence[Claim]) -> Mapping[Key, Object] | None:
    found = host.get_fact(Read, paths=[api.path(claim.stub()) for claim in claims])
    live: Mapping[Key, Object] = found.live
    return live if asked(found) else None


def _size(live: Object) -> str:
    return str(live["spec"]["resources"]["requests"]["storage"])


def _grows(claim: Claim, live: Mapping[Key, Object]) -> bool:
    return claim.key in live and in_bytes(claim.size) > in_bytes(_size(live[claim.key]))


def _growing() -> dict[str, bool]:
    found = host.get_fact(Read, paths=[api.listed("storage.k8s.io/v1", "StorageClass")])
    asked(found)
    return {key.name: bool(each.get("allowVolumeExpansion")) for key, each in found.live.items()}


def _unfit(claim: Claim, live: Object, growing: Mapping[str, bool]) -> Iterator[str]:
    has, wanted = _size(live), claim.size
    class_ = live["spec"].get("storageClassName", "")
    if in_bytes(wanted) < in_bytes(has):
        yield (
            f"{claim.place}: {claim.key} has {has}, the inventory now says {wanted}, and no volume can be"
            f" made smaller; put {has} back, or copy what is in it to a smaller one yourself"
        )
    elif in_bytes(wanted) > in_bytes(has) and not growing.get(class_):
        yield (
            f"{claim.place}: {claim.key} has {has}, the inventory now says {wanted}, and volumes of the class"
            f" {class_ or '(none)'} cannot grow; put {has} back: what it really may hold is what its disk has"
        )
    if claim.storage_class not in (None, class_):
        yield (
            f"{claim.place}: {claim.key} is of the class {class_}, the inventory now says"
            f" {claim.storage_class}, and a volume cannot change its class; put {class_} back"
        )


@operation()
def retained(claims: Sequence[Claim], until: str) -> Commands:
    """The volume behind each claim outlives it: what a class would delete with the claim is kept.

    `until` is the phase in which the claims are bound.
    """
    live = _live(claims)
    bound = {} if live is None else {key: each["spec"].get("volumeName") for key, each in live.items()}
    volumes = _policies(volume for volume in bound.values() if volume)
    for claim in claims:
        volume = bound.get(claim.key)
        if volume is not None and volumes.get(volume) == RETAIN:
            continue
        if volume is None:
            notes.unknown_until(until)
        notes.reason(f"the volume of {claim.key} would be deleted with it")
        yield _keep(claim)


def _policies(volumes: Iterable[str]) -> dict[str, str]:
    folder = api.listed("v1", "PersistentVolume")
    if not (paths := [f"{folder}/{name}" for name in volumes]):
        return {}
    found = host.get_fact(Read, paths=paths)
    asked(found)
    return {
        key.name: each["spec"].get("persistentVolumeReclaimPolicy", "") for key, each in found.live.items()
    }


def _keep(claim: Claim) -> StringCommand:
    get = ["kubectl", "get", "persistentvolumeclaim", claim.name, f"--namespace={claim.namespace}"]
    name = shlex.join([*get, "-o", "jsonpath={.spec.volumeName}"])
    patch = shlex.join(["--type=merge", "--patch", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'])
    unbound = shlex.quote(f"{claim.key} is bound to no volume yet; kubectl describe it says why")
    return StringCommand(
        f"{kube.ENVIRONMENT}; volume=$({name}) || exit 1;"
        f' [ -n "$volume" ] || {{ echo {unbound} >&2; exit 1; }};'
        f' kubectl patch persistentvolume "$volume" {patch} >/dev/null'
    )
