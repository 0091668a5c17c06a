"""The object store: one in the cluster, or the credentials of one that is there already."""

from __future__ import annotations

from pathlib import Path

from pyinfra.api import deploy

from deploy import catalog, context, render
from deploy.catalog.storage_needs import STORE
from deploy.model import ObjectStore, SecretRef, StoreProvider
from deploy.operations import issuance, jobs, kube, rollouts, secrets, volumes
from deploy.operations.jobs import Left, Look, Wanted
from deploy.operations.secrets import Copy, Fixed, Generated, Given, Keep, Value, Where
from deploy.operations.volumes import Claim
from deploy.steps import certificates
from deploy.steps.object_store import minio, seaweedfs
from deploy.steps.object_store.objects import (
    COMPONENT,
    NAMESPACE,
    PHASE,
    ROOT,
    TLS,
    USER,
    Object,
    names,
    namespace,
)

# of users of the store: access-key, secret-key, and ca.crt where the cluster's CA did not sign it
ORIGIN = Where(secrets.HOME, "object-store")
ROOT_ORIGIN = Where(secrets.HOME, "object-store-root")
# a volume may have to be made first, by a helper whose image is still to be pulled
ROLLOUT_SECONDS = 300
BUCKETS_SECONDS = 300
# what a pod reads when it starts: MinIO is told of its users by the Job, SeaweedFS finds them in a file
READ = {StoreProvider.MINIO: [ROOT], StoreProvider.SEAWEEDFS: [ROOT, USER]}
# the certificate in its pod
SERVED = {
    StoreProvider.MINIO: "/run/certificates/public.crt",
    StoreProvider.SEAWEEDFS: "/run/certificates/tls.crt",
}


@deploy("Object store")
def object_store() -> None:
    """Have a store, and its user's credentials where workloads and checks find them."""
    store = context.cluster().object_store
    if store is None or not context.speaks():
        return
    kube.applied(name="Make the namespace", objects=[namespace()], until=PHASE)
    keys = {key: key for key in _user(store)}
    kept = [Keep(ORIGIN, _user(store))]
    copied = [Copy(ORIGIN, USER, keys, PHASE)]
    if not store.is_external:
        root = {"access-key": "access-key", "secret-key": "secret-key"}
        kept.append(Keep(ROOT_ORIGIN, {"access-key": Fixed("root-user"), "secret-key": Generated(40)}))
        copied.append(Copy(ROOT_ORIGIN, ROOT, root, PHASE))
    secrets.kept(name="Keep the credentials of its users", wanted=kept, until=PHASE)
    secrets.copied(name="Give them to the store and its jobs", wanted=copied)
    if not store.is_external:
        _in_the_cluster(store)


def _in_the_cluster(store: ObjectStore) -> None:
    """Run the store, keep what is in it, and have its buckets made."""
    name = store.provider.value
    cluster = context.cluster()
    certificates.certified(cluster, TLS, names(name), [], until=PHASE)
    claims = [Claim(NAMESPACE, name, store.size, "object_store.size", store.storage_class)]
    volumes.fit(name="See that its volume can be as declared", claims=claims)
    objects, job = _rendered(store)
    kube.applied(name="Install the store", objects=objects, until=PHASE)
    rollouts.current(
        name="Have the store read its present credentials",
        workload=f"statefulset/{name}",
        namespace=NAMESPACE,
        selector=f"app.kubernetes.io/name={name}",
        secrets=READ[store.provider],
    )
    if own := certificates.authority(cluster):
        issuance.served(
            name="Have it serve with the present CA",
            workload=f"statefulset/{name}",
            look=Look(NAMESPACE, f"{name}-0", name, issuance.shown(SERVED[store.provider])),
            authority=own,
        )
    kube.rolled_out(
        name="Wait for the store",
        namespace=NAMESPACE,
        workloads=[f"statefulset/{name}"],
        until=PHASE,
        timeout=ROLLOUT_SECONDS,
    )
    volumes.retained(name="Keep its volume whatever happens to the claim", claims=claims, until=PHASE)
    wanted = Wanted(job, name, BUCKETS_SECONDS, (USER, ROOT), left(store))
    jobs.completed(
        name="Make the buckets and their user", namespace=NAMESPACE, label=COMPONENT, wanted=[wanted]
    )


def left(store: ObjectStore) -> Left:
    """Return the buckets, and where they are seen: in the store itself, which needs no key for that."""
    name = store.provider.value
    listing = render.file(f"object_store/{name}-list.sh").decode()
    return Left("bucket", store.buckets, Look(NAMESPACE, f"{name}-0", name, listing))


def _rendered(store: ObjectStore) -> tuple[list[Object], Object]:
    """Return the objects and the Job of a provider: a new one is a module with these two functions.

    And a script, PROVIDER-list.sh, that prints its buckets from inside of its pod.
    """
    provider = {StoreProvider.MINIO: minio, StoreProvider.SEAWEEDFS: seaweedfs}[store.provider]
    lock = catalog.lock.load(context.lock_path())
    server, client = STORE[store.provider]
    image = store.image or lock.image(server).pinned
    return provider.objects(store, image), provider.buckets(store, lock.image(client).pinned)


def _user(store: ObjectStore) -> dict[str, Value]:
    """Return whose credentials they are: our own user's, or those that the operator was given."""
    home = Path(context.lock_path()).parent
    if store.credentials is None:
        return {"access-key": secrets.Fixed("slipway"), "secret-key": secrets.Generated(40)}
    own: dict[str, Value] = {
        "access-key": Given(store.credentials.access_key, home),
        "secret-key": Given(store.credentials.secret_key, home),
    }
    return {**own, "ca.crt": Given(SecretRef(file=store.ca), home)} if store.ca else own
