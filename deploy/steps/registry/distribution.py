"""The plain CNCF registry: one pod, its volume or a bucket, one account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from deploy import render
from deploy.model import Cluster, ObjectStore, Registry, RegistryStorage
from deploy.operations import derived, kube, rollouts, secrets, volumes
from deploy.operations.derived import Htpasswd, Target
from deploy.operations.secrets import Copy, Keep
from deploy.operations.volumes import Claim
from deploy.steps import certificates, policies
from deploy.steps.registry import objects
from deploy.steps.registry.objects import (
    HTTPS,
    LOGIN,
    NAME,
    NAMESPACE,
    PHASE,
    S3,
    STORE,
    TLS,
    Object,
)
from deploy.steps.registry.workload import AUTH, DEBUG, HTTP, PORT, SELECTOR, deployment

BUCKET = "registry"
ROLLOUT_SECONDS = 300


def installed(cluster: Cluster, registry: Registry, image: str) -> None:
    """Make its account, its certificate and its pod, and wait until it serves."""
    kube.applied(name="Make the namespace", objects=[objects.namespace()], until=PHASE)
    copied = [Copy(LOGIN, HTTP, {"secret": "http-secret"}, PHASE)]
    read = [AUTH, TLS]
    if store := _store(cluster, registry):
        keys = ["access-key", "secret-key", *(["ca.crt"] if store.ca else [])]
        copied.append(Copy(STORE, S3, {key: key for key in keys}, "object-store"))
        read.append(S3)
    _account(registry)
    secrets.copied(name="Give the registry its Secrets", wanted=copied)
    certificates.certified(cluster, TLS, *objects.names(cluster), until=PHASE)
    claims = _claims(registry)
    if claims:
        volumes.fit(name="See that its volume can be as declared", claims=claims)
    wanted = rendered(cluster, registry, image)
    kube.applied(name="Install the registry", objects=wanted, until=PHASE)
    rollouts.current(
        name="Have its pod read its present certificate and password",
        workload=f"deployment/{NAME}",
        namespace=NAMESPACE,
        selector=f"app.kubernetes.io/name={NAME}",
        secrets=read,
    )
    kube.rolled_out(
        name="Wait for the registry",
        namespace=NAMESPACE,
        workloads=[f"deployment/{NAME}"],
        until=PHASE,
        timeout=ROLLOUT_SECONDS,
    )
    if claims:
        volumes.retained(name="Keep its volume whatever happens to the claim", claims=claims, until=PHASE)


def _account(registry: Registry) -> None:
    values: dict[str, secrets.Value] = {
        "username": secrets.Fixed(registry.user),
        "password": secrets.Generated(40),
        "http-secret": secrets.Generated(40),
    }
    secrets.kept(name="Keep the registry's password", wanted=[Keep(LOGIN, values)], until=PHASE)
    derived.derived(
        name="Let the registry know it",
        source=LOGIN,
        key="password",
        target=Target(AUTH, "htpasswd"),
        form=Htpasswd(registry.user),
        until=PHASE,
    )


def config(cluster: Cluster, registry: Registry) -> str:
    """Return its configuration (distribution/distribution v3.1, docs/content/about/configuration.md)."""
    store, s3 = _store(cluster, registry), None
    if store is not None:
        secure = store.url.startswith("https:")
        s3 = {"url": store.url, "region": store.region, "bucket": BUCKET, "secure": secure}
    return render.template("registry/config.yml.j2", hostname=registry.hostname, s3=s3).decode()


def rendered(cluster: Cluster, registry: Registry, image: str) -> list[Object]:
    """Return every object but Secrets."""
    text = config(cluster, registry)
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": objects.metadata(NAME),
            "data": {"config.yml": text},
        },
        *([_claim(registry)] if registry.storage is RegistryStorage.FILESYSTEM else []),
        deployment(registry, _store(cluster, registry), image, text),
        objects.service(cluster, SELECTOR, PORT),
        *([objects.outside(SELECTOR, PORT)] if objects.is_outside(cluster) else []),
        _guarded(cluster, registry),
    ]


def _store(cluster: Cluster, registry: Registry) -> ObjectStore | None:
    """Return the object store that layers go to, if they do."""
    return cluster.object_store if registry.storage is RegistryStorage.S3 else None


def _claims(registry: Registry) -> list[Claim]:
    if registry.storage is RegistryStorage.S3:
        return []
    return [Claim(NAMESPACE, NAME, registry.size, "registry.size", registry.storage_class)]


def _claim(registry: Registry) -> Object:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": registry.size}},
    }
    if registry.storage_class:
        spec["storageClassName"] = registry.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": objects.metadata(NAME),
        "spec": spec,
    }


def _guarded(cluster: Cluster, registry: Registry) -> Object:
    """Who has the password may push and pull, nodes too; pods read metrics; it asks its store, or nobody."""
    asked = {"ports": [policies.tcp(PORT)]}
    scraped = {**policies.PODS, "ports": [policies.tcp(DEBUG)]}
    asks: list[Object] = []
    if store := _store(cluster, registry):
        place = urlsplit(store.url)
        port = place.port or (80 if place.scheme == "http" else HTTPS)
        asks = [policies.NAMES, {"ports": [policies.tcp(port)]}]
    return policies.policy(objects.metadata(NAME), SELECTOR, [asked, scraped], asks)
