"""The registry as the API shows it: its pods run, and its Services have their addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of
from checks.finding import Finding
from checks.say import judged, unread
from deploy.model import Cluster, Registry, RegistryExpose, RegistryProvider
from deploy.observe.balanced import address_of

CHECK = "REG-09"
NAMESPACE = "registry"
SERVICE, OUTSIDE = "registry", "registry-external"
HARBOR = ("harbor-core", "harbor-jobservice", "harbor-nginx", "harbor-portal", "harbor-registry")


def is_up(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every Deployment is ready in its newest form, and nodes and the hosts' network have their address."""
    registry = cluster.registry
    if registry is None:
        return
    deployments, services = seen.items("deployments"), seen.items("services")
    if deployments is None or services is None:
        yield unread(CHECK, None, seen.cause("deployments" if deployments is None else "services"))
        return
    wanted = parts(registry)
    wrong = [why for name in wanted if (why := _unready(name, _mine(deployments, name)))]
    outside = registry.expose is RegistryExpose.LOAD_BALANCER
    wrong += _unplaced(services, str(cluster.registry_address), outside=outside)
    address = _given(_mine(services, OUTSIDE)) if outside else None
    found = f"{len(wanted)}/{len(wanted)} ready at {cluster.registry_address}"
    yield judged(
        CHECK,
        None,
        not wrong,
        found="; ".join(wrong) or (f"{found} and {address}" if address else found),
        wanted=f"{', '.join(wanted)} ready, at {cluster.registry_address}"
        + (" and at an address of the pool" if outside else ""),
    )


def parts(registry: Registry) -> tuple[str, ...]:
    """Return the Deployments that a registry is made of."""
    return HARBOR if registry.provider is RegistryProvider.HARBOR else ("registry",)


def _mine(objects: Sequence[Object], name: str) -> Object | None:
    return next((each for each in objects if (namespace_of(each), name_of(each)) == (NAMESPACE, name)), None)


def _unready(name: str, workload: Object | None) -> str | None:
    if workload is None:
        return f"{name} is missing"
    status, wanted = workload.get("status") or {}, (workload.get("spec") or {}).get("replicas", 1)
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return f"{name} was changed and nothing has looked at it yet"
    ready = min(status.get("availableReplicas", 0), status.get("updatedReplicas", 0))
    return None if wanted and ready >= wanted else f"{name} has {ready} of {wanted} pods ready"


def _unplaced(services: Sequence[Object], address: str, *, outside: bool) -> list[str]:
    service = _mine(services, SERVICE)
    has = str((service or {}).get("spec", {}).get("clusterIP", "")) if service else None
    wrong = [] if has == address else [f"Service {SERVICE} {'has ' + has if has else 'is missing'}"]
    if outside and _given(_mine(services, OUTSIDE)) is None:
        wrong.append(f"Service {OUTSIDE} has no address of the pool")
    return wrong


def _given(service: Object | None) -> str | None:
    """Return what the load balancer gave a Service."""
    return None if service is None else address_of(service)
