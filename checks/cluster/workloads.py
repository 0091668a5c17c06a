"""What runs the cluster is up, in fractions; a workload that wants no pod is never up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from checks.cluster.snapshot import Object, Snapshot, condition, name_of, namespace_of
from checks.finding import Finding
from checks.say import but, judged, unread
from deploy.catalog import gpu_needs
from deploy.model import Allocation, Cluster, Packaged, Vendor

STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
NFD = "node-feature-discovery"
SYSTEM = ("kube-system", "kube-flannel", "metallb-system")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A workload that must be there: its list, and what its name contains.

    `home` is the namespace of an add-on, whose name is exact; without a name all of its kind are meant.
    """

    title: str
    kind: str
    words: tuple[str, ...] = ()
    everywhere: bool = False
    home: str | None = None

    def is_it(self, found: Object) -> bool:
        """Say whether a workload is this one."""
        name, namespace = name_of(found), namespace_of(found)
        if self.home is not None:
            return namespace == self.home and self.words in ((), (name,))
        return namespace in SYSTEM and all(word in name for word in self.words)


# NVIDIA's and AMD's operators say themselves how what they run is (NV-05, AMD-05)
STACKS = {
    **{
        (vendor, way): Wanted(f"{name}'s GPU operator", "deployments", home=home)
        for vendor, name, home in (
            (Vendor.NVIDIA, "NVIDIA", "gpu-operator"),
            (Vendor.AMD, "AMD", "kube-amd-gpu"),
        )
        for way in Allocation
    },
    (Vendor.INTEL, Allocation.DRA): Wanted(
        "Intel's GPU driver", "daemonsets", home="intel-gpu-resource-driver"
    ),
    (Vendor.INTEL, Allocation.DEVICE_PLUGIN): Wanted(
        "Intel's device plugin", "daemonsets", home="intel-device-plugins"
    ),
}


def _wanted(cluster: Cluster) -> tuple[Wanted, ...]:
    metallb = (
        Wanted("MetalLB controller", "deployments", ("controller",)),
        Wanted("MetalLB speaker", "daemonsets", ("speaker",)),
    )
    if cluster.is_k3s:
        return (*_of_k3s(cluster), *(metallb if cluster.load_balancer else ()), *_addons(cluster))
    return (
        Wanted("kube-proxy", "daemonsets", ("kube-proxy",), everywhere=True),
        Wanted("CoreDNS", "deployments", ("coredns",)),
        Wanted("flannel", "daemonsets", ("flannel",), everywhere=True),
        *(metallb if cluster.load_balancer else ()),
        *_addons(cluster),
    )


def _addons(cluster: Cluster) -> Iterator[Wanted]:
    """Yield what brings volumes, certificates, labels and GPUs."""
    if cluster.storage is not None:
        name = "local-path-provisioner"
        yield Wanted(name, "deployments", (name,), home="local-path-storage")
    if gpu_needs.wants_cert_manager(cluster):
        for part in ("", "-webhook", "-cainjector"):
            yield Wanted(f"cert-manager{part}", "deployments", (f"cert-manager{part}",), home="cert-manager")
    if gpu_needs.wants_node_features(cluster):
        for kind, part in (("deployments", "master"), ("daemonsets", "worker")):
            yield Wanted(f"NFD {part}", kind, (f"{NFD}-{part}",), home=NFD)
    for stack in gpu_needs.stacks(cluster):
        yield STACKS[stack]


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
            found=f"{len(ready)}/{len(STATIC)} static pods{but(down)}",
            wanted=f"{len(STATIC)}/{len(STATIC)}",
            detail="\n".join(told),
        )


def system_workloads(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """kube-proxy, CoreDNS, pod network, load balancer and add-ons have all the pods that they want."""
    lists = {kind: seen.items(kind) for kind in ("daemonsets", "deployments")}
    unknown = [seen.cause(kind) for kind, found in lists.items() if found is None]
    if unknown:
        yield unread("K8S-09", None, unknown[0])
        return
    wanted = _wanted(cluster)
    states = [(each.title, *_fraction(each, lists[each.kind] or (), len(cluster.nodes))) for each in wanted]
    homes = {*SYSTEM, *(each.home for each in wanted)}
    bad = [title for title, _, good in states if not good]
    yield judged(
        "K8S-09",
        None,
        not bad,
        found=", ".join(f"{title} {fraction}" for title, fraction, _ in states),
        wanted="each complete, and at least one",
        detail="\n".join(_unready(seen.items("pods") or (), homes)) if bad else "",
    )


def _fraction(wanted: Wanted, found: Sequence[Object], nodes: int) -> tuple[str, bool]:
    """Return `2/2`, and whether that is complete: never when nothing is wanted or it is not there."""
    mine = [each for each in found if wanted.is_it(each)]
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


def _unready(pods: Sequence[Object], homes: Collection[str | None]) -> Iterator[str]:
    for pod in pods:
        if (
            namespace_of(pod) in homes
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
