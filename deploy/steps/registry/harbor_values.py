"""The values of Harbor's chart (goharbor/harbor-helm v1.19.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.model import Cluster, Placement, Registry, RegistryStorage
from deploy.model.registry import CacheProvider, DatabaseProvider
from deploy.operations.secrets import Where
from deploy.steps.registry.objects import HTTPS, NAME, NAMESPACE, S3, TLS

RELEASE = "harbor"
BUCKET = "registry"
PORT = 8443
NGINX = {"release": RELEASE, "app": "harbor", "component": "nginx"}
SECRETS = Where(NAMESPACE, "harbor-secrets")
CREDENTIALS = Where(NAMESPACE, "harbor-registry-credentials")
TOKEN = Where(NAMESPACE, "harbor-token")
# the chart's own name for it: it takes up the password that it finds there
DATABASE = Where(NAMESPACE, f"{RELEASE}-database")
EXTERNAL_DATABASE = Where(NAMESPACE, "harbor-external-database")
POSTGRESQL, VALKEY = "harbor-db", "harbor-valkey"
# the operator's own name for it
POSTGRESQL_LOGIN = Where(NAMESPACE, f"{POSTGRESQL}-app")
# the user by which Harbor's core is known to the registry behind it
CORE_USER = "harbor_registry_user"
REQUESTS = {
    "nginx": ("50m", "64Mi"),
    "portal": ("20m", "32Mi"),
    "core": ("100m", "256Mi"),
    "jobservice": ("50m", "128Mi"),
}
Values = dict[str, Any]
Images = Mapping[str, Mapping[str, str]]


def values(cluster: Cluster, registry: Registry, images: Images) -> Values:
    """Return the values; `images` are the pinned ones by component."""
    return {
        "expose": _exposed(cluster),
        "externalURL": f"https://{registry.hostname}",
        # without it the chart mounts a Secret without a name (templates/core/core-dpl.yaml, ca-download)
        "caSecretName": TLS.name,
        "ipFamily": {"ipv6": {"enabled": False}},
        "persistence": _persistence(cluster, registry),
        # a volume is one pod's, so the old pod ends before the new one begins
        "updateStrategy": {"type": "Recreate"},
        **_secrets(),
        **{name: _component(registry.placement, name, images[name]) for name in ("nginx", "portal")},
        "core": _component(registry.placement, "core", images["core"]) | _core(),
        "jobservice": _component(registry.placement, "jobservice", images["jobservice"]) | _jobservice(),
        "registry": _registry(registry, images),
        "trivy": {"enabled": False},
        "database": _database(registry, images),
        "redis": _redis(registry, images),
    }


def workloads(registry: Registry) -> list[str]:
    """Return what must be ready."""
    deployments = ("nginx", "portal", "core", "jobservice", "registry")
    own = {
        "database": registry.database.provider is DatabaseProvider.INTERNAL,
        "redis": registry.cache.provider is CacheProvider.INTERNAL,
    }
    return [
        *(f"statefulset/{RELEASE}-{name}" for name, made in own.items() if made),
        *(f"deployment/{RELEASE}-{name}" for name in deployments),
    ]


def _exposed(cluster: Cluster) -> Values:
    """The chart's own front: client_max_body_size 0, no buffering (templates/nginx/configmap-https.yaml)."""
    return {
        "type": "clusterIP",
        "clusterIP": {
            "name": NAME,
            "staticClusterIP": str(cluster.registry_address),
            "ports": {"httpsPort": HTTPS},
        },
        "tls": {"enabled": True, "certSource": "secret", "secret": {"secretName": TLS.name}},
    }


def _secrets() -> Values:
    return {
        "existingSecretAdminPassword": SECRETS.name,
        "existingSecretAdminPasswordKey": "HARBOR_ADMIN_PASSWORD",
        "existingSecretSecretKey": SECRETS.name,
    }


def _core() -> Values:
    return {
        "existingSecret": SECRETS.name,
        "existingXsrfSecret": SECRETS.name,
        "existingXsrfSecretKey": "CSRF_KEY",
        "secretName": TOKEN.name,
    }


def _jobservice() -> Values:
    # logs go to the database: a volume of their own would have to be shared by two pods at an upgrade
    return {
        "existingSecret": SECRETS.name,
        "existingSecretKey": "JOBSERVICE_SECRET",
        "jobLoggers": ["database"],
    }


def _registry(registry: Registry, images: Images) -> Values:
    requests = {"requests": {"cpu": "100m", "memory": "128Mi"}}
    return {
        "registry": {"image": dict(images["registry"]), "resources": requests},
        "controller": {"image": dict(images["registryctl"])},
        "existingSecret": SECRETS.name,
        "existingSecretKey": "REGISTRY_HTTP_SECRET",
        "credentials": {"username": CORE_USER, "existingSecret": CREDENTIALS.name},
        **registry.placement.as_pod(),
    }


def _component(placement: Placement, name: str, image: Mapping[str, str]) -> Values:
    cpu, memory = REQUESTS[name]
    requests = {"requests": {"cpu": cpu, "memory": memory}}
    return {"image": dict(image), "resources": requests, **placement.as_pod()}


def _persistence(cluster: Cluster, registry: Registry) -> Values:
    """Layers are handed out by Harbor itself: nobody is sent to a store that he may not reach or trust."""
    store: Values = {"disableredirect": True, "type": registry.storage.value}
    layers = {"size": registry.size, "storageClass": registry.storage_class or ""}
    database = registry.database
    claims = {
        "registry": layers,
        "database": {"size": database.size, "storageClass": database.storage_class or ""},
        "redis": {"storageClass": registry.storage_class or ""},
    }
    if registry.storage is RegistryStorage.S3 and cluster.object_store is not None:
        found = cluster.object_store
        store["s3"] = {
            "region": found.region,
            "bucket": BUCKET,
            "regionendpoint": found.url,
            "existingSecret": S3.name,
            "secure": found.url.startswith("https:"),
            "v4auth": True,
        }
        if not found.is_external or found.ca:
            store["caBundleSecretName"] = S3.name if found.is_external else TLS.name
    return {"resourcePolicy": "keep", "persistentVolumeClaim": claims, "imageChartStorage": store}


def _database(registry: Registry, images: Images) -> Values:
    database = registry.database
    match database.provider:
        case DatabaseProvider.INTERNAL:
            # empty: the password in the Secret is kept; the chart's default is one that all the world knows
            internal = {"password": "", "image": dict(images["database"]), **database.placement.as_pod()}
            return {"type": "internal", "internal": internal}
        case DatabaseProvider.CLOUDNATIVE_PG:
            host, port, user, name = f"{POSTGRESQL}-rw", 5432, "harbor", "registry"
            secret = POSTGRESQL_LOGIN.name
        case DatabaseProvider.EXTERNAL:
            host, port, user, name = str(database.host), database.port, database.user, database.name
            secret = EXTERNAL_DATABASE.name
    external = {
        "host": host,
        "port": str(port),
        "username": user,
        "coreDatabase": name,
        "existingSecret": secret,
        "sslmode": "require",
    }
    return {"type": "external", "external": external}


def _redis(registry: Registry, images: Images) -> Values:
    cache = registry.cache
    match cache.provider:
        case CacheProvider.INTERNAL:
            internal = {"image": dict(images["redis"]), **cache.placement.as_pod()}
            return {"type": "internal", "internal": internal}
        case CacheProvider.VALKEY:
            return {"type": "external", "external": {"addr": f"{VALKEY}:6379"}}
        case CacheProvider.EXTERNAL:
            return {"type": "external", "external": {"addr": f"{cache.host}:{cache.port}"}}
