"""The API version in which GPUs are claimed: whether it is served, and in which one claims were written."""

from __future__ import annotations

from collections.abc import Iterator

from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of
from checks.finding import Finding
from checks.say import judged, unread
from deploy.catalog.gpu import GROUP, resource_api, served_by_default
from deploy.model import Allocation, Cluster

UNSERVED = "could not find the requested resource"  # kubectl's words for a path that the API server lacks
KINDS = ("resourceclaimtemplates", "resourceclaims")


def served_api(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """resource.k8s.io is served in the version of the claims, and none was written in another one.

    Stored claims are shown in the served version whatever they were written in; who wrote them will write
    them in the old version again, and that will be refused.
    """
    if not any(node.gpus and node.gpus.allocation is Allocation.DRA for node in cluster.gpu_nodes()):
        return
    kubernetes = cluster.kubernetes
    version = resource_api(kubernetes.version, kubernetes.feature_gates).version
    wanted = f"{GROUP}/{version}, and claims in it"
    if seen.items("resourceslices") is None:
        cause = seen.cause("resourceslices")
        if UNSERVED in cause:
            yield judged("DRA-02", None, good=False, found=f"{GROUP}/{version} is not served", wanted=wanted)
        else:
            yield unread("DRA-02", None, cause)
        return
    if missing := [kind for kind in KINDS if seen.items(kind) is None]:
        yield unread("DRA-02", None, seen.cause(missing[0]))
        return
    known = {f"{GROUP}/{each}" for each in (version, *served_by_default(kubernetes.version))}
    old = [
        f"{namespace_of(each)}/{name_of(each)} was written in {used}"
        for kind in KINDS
        for each in seen.items(kind) or ()
        for used in sorted(_written(each) - known)
    ]
    found = "; ".join(old[:3]) or f"{GROUP}/{version}"
    yield judged("DRA-02", None, not old, found=found, wanted=wanted)


def _written(claim: Object) -> set[str]:
    """Return the API versions that people and tools have written a claim in."""
    fields = claim["metadata"].get("managedFields") or ()
    return {str(each.get("apiVersion")) for each in fields if not each.get("subresource")}
