"""The phases of volumes and of the object store on a @fake control plane: with no cluster, with all there."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from deploy import catalog
from deploy.catalog import LockedImage
from deploy.model import Cluster
from deploy.steps import certificates
from deploy.steps.object_store import minio, object_store
from deploy.steps.object_store.objects import TLS, names, namespace
from deploy.steps.storage import storage, volumes
from tests.unit.fake_host import DIGEST, changes, locked, prepared
from tests.unit.operations.conftest import digested, read

CLUSTER: dict[str, Any] = {
    "name": "lab",
    "nodes": [{"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]}],
    "storage": {"path": "/data/volumes"},
    "object_store": {"size": "20Gi", "buckets": ["models"]},
}
EXTERNAL = {
    "provider": "external",
    "endpoint": "https://s3.home.arpa",
    "credentials": {"access_key": {"file": "access"}, "secret_key": {"file": "secret"}},
}
NONE = "=== slipway no cluster"
BARE = {"admin.conf": NONE, "for p in": []}
DONE = "2026-11-30T08:00:00Z"
SHOWN = "=== slipway 200 https://api/x"


@pytest.fixture
def operations(tmp_path: Path) -> Callable[..., dict[str, bool]]:
    """Return a function that gives a step's operations by name, and whether each would change the host."""
    for name in ("access", "secret"):
        (tmp_path / name).write_text(f"{name}\n")

    def run(step: Callable[[], Any], answers: dict[str, Any] = BARE, **parts: Any) -> dict[str, bool]:
        cluster = Cluster.model_validate({**CLUSTER, **parts})
        lock = locked(cluster, tmp_path / "lab.lock.yaml")
        with prepared(step, cluster, cluster.nodes[0], lock, answers) as (state, host):
            return changes(state, host)

    return run


def test_a_host_gets_the_folders_of_its_volumes(operations: Callable[..., dict[str, bool]]) -> None:
    nfs = {"nfs": [{"name": "shared", "server": "10.0.0.5", "path": "/x", "size": "1Ti"}]}
    mounting = {**BARE, "dpkg-query": "dpkg"}

    assert operations(volumes) == {"Make the folders of volumes": True}
    assert operations(volumes, {"for p in": "/data/volumes"}) == {"Make the folders of volumes": False}
    assert operations(volumes, mounting, storage=nfs)["Install what mounts NFS"]


def test_before_there_is_a_cluster_all_of_storage_is_still_to_be_done(
    operations: Callable[..., dict[str, bool]],
) -> None:
    assert operations(storage) == {
        "Install local-path-provisioner, declare volumes": True,
        "Wait for local-path-provisioner": True,
    }


def test_before_there_is_a_cluster_all_of_the_store_is_still_to_be_done(
    operations: Callable[..., dict[str, bool]],
) -> None:
    assert operations(object_store) == {
        "Make the namespace": True,
        "Keep the credentials of its users": True,
        "Give them to the store and its jobs": True,
        "Have cert-manager leave minio.object-store.svc alone": False,
        "Certify minio.object-store.svc": True,
        "See that its volume can be as declared": False,
        "Install the store": True,
        "Have the store read its present credentials": False,
        "Wait for the store": True,
        "Keep its volume whatever happens to the claim": True,
        "Make the buckets and their user": True,
    }


def test_of_an_external_store_only_the_credentials_are_kept(
    operations: Callable[..., dict[str, bool]],
) -> None:
    assert operations(object_store, object_store=EXTERNAL) == {
        "Make the namespace": True,
        "Keep the credentials of its users": True,
        "Give them to the store and its jobs": True,
    }


def applied(obj: dict[str, Any]) -> str:
    """An object as the API shows it after a server-side apply of ours."""
    if obj["kind"] == "StatefulSet":
        obj = {**obj, "status": {"updatedReplicas": 1, "availableReplicas": 1}}
    if obj["kind"] == "PersistentVolumeClaim":
        obj = {**obj, "spec": {**obj["spec"], "volumeName": "pvc-1", "storageClassName": "local-path"}}
    if obj["kind"] == "Job":
        completed = {"conditions": [{"type": "Complete", "status": "True"}], "completionTime": DONE}
        obj = {**obj, "status": completed}
    fields: dict[str, Any] = {
        f"f:{name}": {} for name in obj if name not in ("apiVersion", "kind", "metadata", "status")
    }
    more: dict[str, Any] = {name: {} for name in obj["metadata"] if name not in ("name", "namespace")}
    fields["f:metadata"] = {f"f:{name}": {} for name in more}
    mine = {
        "manager": "slipway",
        "operation": "Apply",
        "apiVersion": obj["apiVersion"],
        "fieldsV1": fields,
    }
    return json.dumps({**obj, "metadata": {**obj["metadata"], "managedFields": [mine]}})


def certificate() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=100))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in names("minio")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(Encoding.PEM)).decode()


def secret(namespace: str, name: str) -> str:
    who = "root-user" if "root" in name else "slipway"
    return digested(namespace, name, "Opaque", {"access-key": who, "secret-key": "x"})


def tls(signed: str, namespace: str = "object-store", name: str = "minio-tls") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"tls.crt": signed, "tls.key": "d" * 64},
    }


def described(name: str, **metadata: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "object-store", **metadata}
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata}


def living(policy: str = "Retain", buckets: Sequence[str] = ("models",), **changed: str) -> dict[str, Any]:
    """What a control plane answers when the store is there; `policy` is of the volume behind it.

    `changed` says of some Secrets when they were; the pod and the Job are of DONE.
    """
    before = "2026-11-30T07:00:00Z"
    root, user = (
        described(name, managedFields=[{"time": changed.get(name.replace("-", "_"), before)}])
        for name in ("minio-root", "object-store-user")
    )
    store = Cluster.model_validate(CLUSTER).object_store
    assert store is not None
    server, client = (LockedImage(catalog.load().images[key], DIGEST).pinned for key in ("minio", "mc"))
    objects = [*minio.objects(store, server), minio.buckets(store, client)]
    every = [applied(obj) for obj in objects]
    own = {obj["kind"]: text for obj, text in zip(objects, every, strict=True)}
    volume = {"spec": {"persistentVolumeReclaimPolicy": policy}, "metadata": {"name": "pvc-1"}}
    secrets = [
        secret("slipway-system", "object-store"),
        secret("slipway-system", "object-store-root"),
        secret("object-store", "object-store-user"),
        secret("object-store", "minio-root"),
    ]
    signed = certificate()
    return {
        "/certificates/minio-tls": "404 page not found\n=== slipway 404 https://api/x",
        "server-ca": [*read(tls(signed)).splitlines(), f"ca {signed}"],
        "kubectl exec --namespace=object-store minio-0": [*buckets, "end"],
        "/object-store/pods?": read(described("minio-0", creationTimestamp=DONE), root),
        "as=PartialObjectMetadata": read(root, user),
        "/jobs?labelSelector=": [own["Job"], SHOWN, own["PersistentVolumeClaim"], SHOWN],
        "/persistentvolumes/pvc-1": read({"apiVersion": "v1", "kind": "PersistentVolume", **volume}),
        "/services/minio": [line for each in every for line in (each, SHOWN)],
        "/statefulsets/minio": [own["StatefulSet"], SHOWN],
        "/api/v1/namespaces/object-store \\": [applied(namespace()), SHOWN],
        "?pretty=true": "\n".join(secrets),
        "--dry-run=server": "=== slipway would",
        "/persistentvolumeclaims/minio \\": [own["PersistentVolumeClaim"], SHOWN],
    }


def changing(found: dict[str, bool]) -> set[str]:
    return {name for name, changes in found.items() if changes}


def test_a_store_that_is_there_is_left_alone(operations: Callable[..., dict[str, bool]]) -> None:
    assert changing(operations(object_store, living())) == set()


def test_only_what_differs_is_done(operations: Callable[..., dict[str, bool]]) -> None:
    kept = "Keep its volume whatever happens to the claim"
    buckets = {**CLUSTER["object_store"], "buckets": ["models", "registry"]}

    assert changing(operations(object_store, living("Delete"))) == {kept}
    assert changing(operations(object_store, living(), object_store=buckets)) == {
        "Install the store",
        "Make the buckets and their user",
    }


def test_credentials_that_were_made_anew_reach_the_store_and_its_users(
    operations: Callable[..., dict[str, bool]],
) -> None:
    buckets, later = "Make the buckets and their user", "2026-11-30T09:00:00Z"

    assert changing(operations(object_store, living(object_store_user=later))) == {buckets}
    assert changing(operations(object_store, living(minio_root=later))) == {
        "Have the store read its present credentials",
        buckets,
    }


def test_a_store_whose_certificate_another_ca_signs_begins_anew_with_it(
    operations: Callable[..., dict[str, bool]],
) -> None:
    signed = {"certificates": {"provider": "cert-manager"}}
    wanted = certificates.certificate(TLS, names("minio"), [])
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    certified = {"/certificates/minio-tls": [json.dumps({**json.loads(applied(wanted)), **ready}), SHOWN]}

    held, other = certificate(), certificate()
    shown = [base64.b64decode(held).decode().replace("\n", "|"), "end"]

    def done(root: str) -> set[str]:
        own = {"slipway-ca?pretty": read(tls(root, "cert-manager", "slipway-ca"))}
        answers = {**own, "public.crt": shown, **living(), **certified}
        return changing(operations(object_store, answers, **signed))

    assert done(held) == set()
    assert done(other) == {"Have it serve with the present CA"}


def test_where_the_clusters_ca_signs_again_cert_manager_signs_no_more(
    operations: Callable[..., dict[str, bool]],
) -> None:
    left = certificates.certificate(TLS, names("minio"), [])
    before = {**living(), "/certificates/minio-tls": read(left)}

    assert changing(operations(object_store, before)) == {
        "Have cert-manager leave minio.object-store.svc alone"
    }


@pytest.mark.parametrize("there", [(), ("registry",)], ids=["none", "another"])
def test_a_bucket_that_somebody_deleted_is_made_again(
    operations: Callable[..., dict[str, bool]], there: tuple[str, ...]
) -> None:
    assert changing(operations(object_store, living(buckets=there))) == {"Make the buckets and their user"}
