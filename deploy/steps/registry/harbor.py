"""Harbor from its chart: nothing is generated at a render, layers on a volume or in a bucket, no limit."""

from __future__ import annotations

from pyinfra import host

from deploy.model import Cluster, Registry, RegistryStorage
from deploy.model.registry import DatabaseProvider
from deploy.operations import derived, helm, kube, rollouts, secrets, volumes
from deploy.operations import harbor as operations
from deploy.operations.derived import Htpasswd, Target
from deploy.operations.helm import Release
from deploy.operations.secrets import Copy, Keep, Where
from deploy.operations.volumes import Claim
from deploy.steps import certificates, charts
from deploy.steps.registry import databases, harbor_values, objects, reached
from deploy.steps.registry.harbor_values import (
    CREDENTIALS,
    DATABASE,
    EXTERNAL_DATABASE,
    NGINX,
    POSTGRESQL_LOGIN,
    RELEASE,
    SECRETS,
    TOKEN,
)
from deploy.steps.registry.objects import LOGIN, NAMESPACE, PHASE, S3, STORE, TLS

# the origins of what the chart would otherwise make anew
ORIGINS = Where(secrets.HOME, "registry-harbor")
LENGTHS = {
    "admin-password": 32,
    "secret-key": 16,  # harbor-helm values.yaml: the secret key for encryption, 16 characters
    "core-secret": 16,
    "csrf-key": 32,
    "jobservice-secret": 16,
    "http-secret": 16,
    "registry-password": 40,
    "database-password": 40,
}
# the chart's name of each, and ours
KEYS = {
    "HARBOR_ADMIN_PASSWORD": "admin-password",
    "secretKey": "secret-key",
    "secret": "core-secret",
    "CSRF_KEY": "csrf-key",
    "JOBSERVICE_SECRET": "jobservice-secret",
    "REGISTRY_HTTP_SECRET": "http-secret",
}
S3_KEYS = {"REGISTRY_STORAGE_S3_ACCESSKEY": "access-key", "REGISTRY_STORAGE_S3_SECRETKEY": "secret-key"}
# five images are pulled, and the database makes its tables
ROLLOUT_SECONDS = 900


def installed(cluster: Cluster, registry: Registry) -> None:
    """Make what Harbor keeps secret, install it, and make its projects and its robot account."""
    kube.applied(name="Make the namespace", objects=[objects.namespace()], until=PHASE)
    _secrets(cluster, registry)
    certificates.certified(cluster, TLS, *objects.names(cluster), until=PHASE)
    databases.installed(registry)
    kept = claims(registry)
    if kept:
        volumes.fit(name="See that its volumes can be as declared", claims=kept)
    kube.applied(name="Say who reaches Harbor", objects=reached.harbor(), until=PHASE)
    chart = charts.fetched("harbor-chart")
    values = harbor_values.values(cluster, registry, databases.images(registry))
    release = Release(RELEASE, NAMESPACE, chart.path, chart.locked.sha256, values)
    helm.released(name="Install Harbor", release=release)
    if objects.is_outside(cluster):
        wanted = [objects.outside(NGINX, harbor_values.PORT)]
        kube.applied(name="Give Harbor an address", objects=wanted, until=PHASE)
    _current(cluster, registry)
    kube.rolled_out(
        name="Wait for Harbor",
        namespace=NAMESPACE,
        workloads=harbor_values.workloads(registry),
        until=PHASE,
        timeout=ROLLOUT_SECONDS,
    )
    if kept:
        volumes.retained(name="Keep its volumes whatever happens to the claims", claims=kept, until=PHASE)
    operations.accounts(
        name="Make its projects and its robot account",
        door=door(cluster, registry),
        projects=registry.projects,
        until=PHASE,
    )


def _current(cluster: Cluster, registry: Registry) -> None:
    """Have every component read its Secrets as they are now; Helm does not see those that it did not make.

    Where another CA signs, they trust it, and their store's certificate, once they begin anew.
    """
    own = certificates.authority(cluster)
    for component, read in host.loop(reads(registry).items()):
        labels = {**NGINX, "component": component}
        rollouts.current(
            name=f"Have its {component} read its present Secrets",
            workload=f"deployment/{RELEASE}-{component}",
            namespace=NAMESPACE,
            selector=",".join(f"{key}={value}" for key, value in labels.items()),
            secrets=[*read, *([own] if own else [])],
        )


def reads(registry: Registry) -> dict[str, list[Where]]:
    """Return the Secrets that each component reads when it starts (the chart's templates/*/*-dpl.yaml)."""
    database = {
        # which keeps the password that it was made with
        DatabaseProvider.INTERNAL: [],
        DatabaseProvider.CLOUDNATIVE_PG: [POSTGRESQL_LOGIN],
        DatabaseProvider.EXTERNAL: [EXTERNAL_DATABASE],
    }[registry.database.provider]
    store = [S3] if registry.storage is RegistryStorage.S3 else []
    return {
        "nginx": [TLS],
        "core": [SECRETS, CREDENTIALS, TOKEN, *database],
        "jobservice": [SECRETS, CREDENTIALS],
        "registry": [SECRETS, CREDENTIALS, *store],
    }


def claims(registry: Registry) -> list[Claim]:
    """Return the claims that hold what cannot be made anew, by the chart's names."""
    database = registry.database
    layers = Claim(NAMESPACE, f"{RELEASE}-registry", registry.size, "registry.size", registry.storage_class)
    rows = Claim(
        NAMESPACE,
        f"database-data-{RELEASE}-database-0",
        database.size,
        "registry.database.size",
        database.storage_class,
    )
    return [
        *([layers] if registry.storage is RegistryStorage.FILESYSTEM else []),
        *([rows] if database.provider is DatabaseProvider.INTERNAL else []),
    ]


def door(cluster: Cluster, registry: Registry) -> operations.Door:
    """Return where a host finds Harbor."""
    address = str(cluster.registry_address)
    return operations.Door(registry.hostname, address, cluster.services_ca, ORIGINS, LOGIN)


def _secrets(cluster: Cluster, registry: Registry) -> None:
    user, password = secrets.Fixed(registry.user), secrets.Generated(40)
    login: dict[str, secrets.Value] = {"username": user, "password": password}
    made = {key: secrets.Generated(length) for key, length in LENGTHS.items()}
    kept = [Keep(LOGIN, login), Keep(ORIGINS, made)]
    secrets.kept(name="Keep the robot's password and what Harbor would make anew", wanted=kept, until=PHASE)
    internal = registry.database.provider is DatabaseProvider.INTERNAL
    copied = [Copy(ORIGINS, SECRETS, KEYS, PHASE), *_store(cluster, registry)]
    if internal:
        copied.append(Copy(ORIGINS, DATABASE, {"POSTGRES_PASSWORD": "database-password"}, PHASE))
    secrets.copied(name="Give Harbor its Secrets", wanted=copied)
    derived.derived(
        name="Let Harbor's registry know its core",
        source=ORIGINS,
        key="registry-password",
        target=Target(CREDENTIALS, "REGISTRY_HTPASSWD", plain="REGISTRY_PASSWD"),
        form=Htpasswd(harbor_values.CORE_USER),
        until=PHASE,
    )
    operations.signing_key(name="Keep the key of its tokens", target=TOKEN, until=PHASE)
    if internal:
        operations.handed_to_helm(name="Let the chart take it up", target=DATABASE, release=RELEASE)


def _store(cluster: Cluster, registry: Registry) -> list[Copy]:
    """Return what lets Harbor into the object store, if layers go there."""
    store = cluster.object_store
    if store is None or registry.storage is not RegistryStorage.S3:
        return []
    authority = {"ca.crt": "ca.crt"} if store.ca else {}
    return [Copy(STORE, S3, S3_KEYS | authority, "object-store")]
