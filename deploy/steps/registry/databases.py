"""What Harbor keeps its data in where the chart's own does not do: CloudNativePG and Valkey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy import catalog, context
from deploy.catalog import registry_needs
from deploy.model import Registry
from deploy.model.registry import Cache, CacheProvider, Database, DatabaseProvider
from deploy.operations import conditions, helm, kube, secrets
from deploy.operations.helm import Release
from deploy.operations.secrets import Keep
from deploy.steps import charts
from deploy.steps.registry import objects, reached
from deploy.steps.registry.harbor_values import EXTERNAL_DATABASE, POSTGRESQL, VALKEY
from deploy.steps.registry.objects import NAMESPACE, PHASE, Object

OPERATOR, OPERATOR_HOME = "cloudnative-pg", "cnpg-system"
WEBHOOK_SECONDS = 120
CLUSTER_SECONDS = 600
# Harbor holds layers' places and sessions in it, not layers
CACHE_MEMORY = "256Mi"


def images(registry: Registry) -> dict[str, dict[str, str]]:
    """Return the pinned images of Harbor's own components, by component."""
    wanted = ["database"] if registry.database.provider is DatabaseProvider.INTERNAL else []
    wanted += ["redis"] if registry.cache.provider is CacheProvider.INTERNAL else []
    return {name: charts.image(f"harbor-{name}") for name in (*registry_needs.HARBOR, *wanted)}


def installed(registry: Registry) -> None:
    """Bring up the declared database and cache, or let Harbor into those that are there already."""
    database, cache = registry.database, registry.cache
    if database.provider is DatabaseProvider.CLOUDNATIVE_PG:
        _postgresql(registry)
    if database.provider is DatabaseProvider.EXTERNAL and database.password is not None:
        given = secrets.referred(database.password, Path(context.lock_path()).parent)
        secrets.kept(
            name="Give Harbor its database's password",
            wanted=[Keep(EXTERNAL_DATABASE, {"password": given})],
            until=PHASE,
        )
    if cache.provider is CacheProvider.VALKEY:
        _valkey(cache)


def _postgresql(registry: Registry) -> None:
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR_HOME}}
    kube.applied(name="Make the operator's namespace", objects=[home], until=PHASE)
    chart = charts.fetched("cloudnative-pg-chart")
    values = operator_values(registry.database, charts.image(OPERATOR))
    release = Release(OPERATOR, OPERATOR_HOME, chart.path, chart.locked.sha256, values)
    helm.released(name="Install CloudNativePG", release=release)
    kube.rolled_out(
        name="Wait for its operator",
        namespace=OPERATOR_HOME,
        workloads=[f"deployment/{OPERATOR}"],
        until=PHASE,
    )
    image = catalog.lock.load(context.lock_path()).image("postgresql").pinned
    wanted = postgresql(registry, image)
    guarded = [reached.database(OPERATOR, OPERATOR_HOME), wanted]
    kube.applied(name="Make Harbor's database", objects=guarded, until=PHASE, patience=WEBHOOK_SECONDS)
    conditions.holds(
        name="Wait for Harbor's database",
        target=wanted,
        until=PHASE,
        timeout=CLUSTER_SECONDS,
    )


def operator_values(database: Database, image: dict[str, str]) -> Object:
    """Return the values of the operator's chart."""
    return {"image": image, **database.placement.as_pod()}


def postgresql(registry: Registry, image: str) -> Object:
    """Return Harbor's database; its user's password is made by the operator and kept in harbor-db-app."""
    database = registry.database
    storage: dict[str, Any] = {"size": database.size}
    if database.storage_class or registry.storage_class:
        storage["storageClass"] = database.storage_class or registry.storage_class
    spec = {
        "instances": database.instances,
        # the budget of a primary that nothing can take over from would let nobody drain its node
        # (cloudnative-pg docs/src/kubernetes_upgrade.md, cloudnative-pg#2570)
        "enablePDB": database.instances > 1,
        "imageName": image,
        "bootstrap": {"initdb": {"database": "registry", "owner": "harbor"}},
        "storage": storage,
        "affinity": database.placement.as_pod(),
    }
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": objects.metadata(POSTGRESQL, POSTGRESQL),
        "spec": spec,
    }


def _valkey(cache: Cache) -> None:
    chart = charts.fetched("valkey-chart")
    values = valkey_values(cache, charts.image("valkey"))
    release = Release(VALKEY, NAMESPACE, chart.path, chart.locked.sha256, values)
    helm.released(name="Install Valkey", release=release)
    kube.rolled_out(
        name="Wait for Valkey", namespace=NAMESPACE, workloads=[f"deployment/{VALKEY}"], until=PHASE
    )


def valkey_values(cache: Cache, image: dict[str, str]) -> Object:
    """Return the values of Valkey's chart; only Harbor's pods get to it."""
    registry, _, repository = image["repository"].partition("/")
    harbor = {"podSelector": {"matchLabels": reached.HARBOR}}
    return {
        "image": {"registry": registry, "repository": repository, "tag": image["tag"]},
        "networkPolicy": {"ingress": [{"from": [harbor], "ports": [{"port": 6379}]}]},
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": CACHE_MEMORY}},
        **cache.placement.as_pod(),
    }
