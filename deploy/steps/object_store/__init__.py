"""The object store: one in the cluster, or the credentials of one that is there already."""

from __future__ import annotations

from pathlib import Path

from pyinfra.api import deploy

from deploy import catalog, context
from deploy.model import ObjectStore, SecretRef
from deploy.operations import kube, secrets
from deploy.operations.secrets import Given, Value, Where
from deploy.steps.object_store import minio
from deploy.steps.object_store.objects import NAMESPACE, PHASE, USER, namespace

# of users of the store: access-key, secret-key, and ca.crt where the cluster's CA did not sign it
ORIGIN = Where(secrets.HOME, "object-store")


@deploy("Object store")
def object_store() -> None:
    """Have a store, and its user's credentials where workloads and checks find them."""
    store = context.cluster().object_store
    if store is None or not context.speaks():
        return
    kube.applied(name="Make the namespace", objects=[namespace()], until=PHASE)
    secrets.kept(name="Keep the credentials of its user", where=ORIGIN, values=_user(store), until=PHASE)
    secrets.copied(
        name="Give them to its jobs",
        source=ORIGIN,
        target=Where(NAMESPACE, USER),
        keys={key: key for key in _user(store)},
        until=PHASE,
    )
    if store.is_external:
        return
    lock = catalog.lock.load(context.lock_path())
    server = store.image or lock.image("minio").pinned
    minio.minio(store, server, lock.image("mc").pinned)


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
