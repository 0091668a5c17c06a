"""What runs the cluster is up, in fractions; a workload that wants no pod is never up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checks.cluster.snapshot import Object, Snapshot, condition, name_of, namespace_of
from checks.finding import Finding
from checks.say import judged, unread
from deploy.model import Cluster, Packaged

STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
SYSTEM = ("kube-system", "kube-flannel", "metallb-system")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A workload that must be there: its list, and what its name contains."""

    title: str
    kind: str
    words: tuple[str, ...]
    everywhere: bool = False


def _wanted(cluster: Cluster) -> tuple[Wanted, ...]:
    metallb = (
        Wanted("MetalLB controller", "deployments", ("controller",)),
        Wanted("MetalLB speaker", "daemonsets", ("speaker",)),
    )
    if cluster.is_k3s:
        return (*_of_k3s(cluster), *(metallb if cluster.load_balancer else ()))
    return (
        Wanted("kube-proxy", "daemonsets", ("kube-proxy",), everywhere=True),
        Wanted("CoreDNS", "deployments", ("coredns",)),
        Wanted("flannel", "daemonsets", ("flannel",), everywhere=True),
        *(metallb if cluster.load_balancer else ()),
    )


def _of_k3s(cluster: Cluster) -> Iterator[Wanted]:
    """Yield what k3s deploys; its kube-proxy and flannel are no pods but parts of k3s."""
    names = {
        Packaged.COREDNS: ("CoreDNS", "coredns"),
        Packaged.LOCAL_STORAGE: ("local-path-provisioner", "local-path-provisioner"),
        Packaged.METRICS_SERVER: ("metrics-server", "metrics-server"),
        Packaged.TRAEFIK: ("Traefik", "traefik"),
    }
    for packaged, (title, name) in names.items():
        if packaged not in cluster.packaged_off:
            yield Wanted(title, "deployments", (name,))


def static_pods(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """The four static pods of every control plane are Ready; k3s has none, its unit is all of them."""
    if cluster.is_k3s:
        return
    pods = seen.items("pods")
    for node in cluster.control_planes:
        if pods is None:
            yield unread("K8S-09", node.name, seen.cause("pods"))
            continue
        mine = {name_of(pod): pod for pod in pods if namespace_of(pod) == "kube-system"}
        ready = [name for name in STATIC if _ready(mine.get(f"{name}-{node.name}"))]
        down = [name for name in STATIC if name not in ready]
        told = [f"{name}: {_why(mine.get(f'{name}-{node.name}'))}" for name in down]
        yield judged(
            "K8S-09",
            node.name,
            not down,
            found=f"{len(ready)}/{len(STATIC)} static pods",
            wanted=f"{len(STATIC)}/{len(STATIC)}",
            detail="\n".join(told),
        )


def system_workloads(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """kube-proxy, CoreDNS, the pod network and the load balancer have all the pods that they want."""
    lists = {kind: seen.items(kind) for kind in ("daemonsets", "deployments")}
    unknown = [seen.cause(kind) for kind, found in lists.items() if found is None]
    if unknown:
        yield unread("K8S-09", None, unknown[0])
        return
    states = [
        (each.title, *_fraction(each, lists[each.kind] or (), len(cluster.nodes)))
        for each in _wanted(cluster)
    ]
    bad = [title for title, _, good in states if not good]
    yield judged(
        "K8S-09",
        None,
        not bad,
        found=", ".join(f"{title} {fraction}" for title, fraction, _ in states),
        wanted="each complete, and at least one",
        detail="\n".join(_unready(seen.items("pods") or ())) if bad else "",
    )


def _fraction(wanted: Wanted, found: Sequence[Object], nodes: int) -> tuple[str, bool]:
    """Return `2/2`, and whether that is complete: never when nothing is wanted or it is not there."""
    mine = [
        each
        for each in found
        if namespace_of(each) in SYSTEM and all(word in name_of(each) for word in wanted.words)
    ]
    if not mine:
        return "missing", False
    counts = [_counts(each) for each in mine]
    ready, desired = sum(has for has, _ in counts), sum(wants for _, wants in counts)
    complete = ready >= desired > 0 and not (wanted.everywhere and desired < nodes)
    return f"{ready}/{max(desired, nodes) if wanted.everywhere else desired}", complete


def _counts(workload: Object) -> tuple[int, int]:
    """Return (ready, desired); pods of an older template are not ready ones."""
    status, spec = workload.get("status", {}), workload.get("spec", {})
    if "desiredNumberScheduled" in status:
        current = min(status.get("numberReady", 0), status.get("updatedNumberScheduled", 0))
        return current, int(status["desiredNumberScheduled"])
    return min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0)), int(spec.get("replicas", 0))


def _ready(pod: Object | None) -> bool:
    found = None if pod is None else condition(pod, "Ready")
    return found is not None and found["status"] == "True"


def _unready(pods: Sequence[Object]) -> Iterator[str]:
    for pod in pods:
        if (
            namespace_of(pod) in SYSTEM
            and not _ready(pod)
            and pod.get("status", {}).get("phase") != "Succeeded"
        ):
            yield f"{namespace_of(pod)}/{name_of(pod)}: {_why(pod)}"


def _why(pod: Object | None) -> str:
    """Return why a pod is not Ready, in the words of the kubelet or the scheduler."""
    if pod is None:
        return "no such pod"
    status = pod.get("status", {})
    for container in status.get("containerStatuses") or ():
        for state in ("waiting", "terminated"):
            if (told := container.get("state", {}).get(state)) is not None:
                return f"{told.get('reason', state)} {told.get('message', '')}".strip()
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled["status"] != "True":
        return str(scheduled.get("message", "not scheduled"))
    return str(status.get("phase", "unknown"))
