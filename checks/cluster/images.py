"""What runs is what was locked, by digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of
from checks.cluster.workloads import SYSTEM
from checks.finding import Finding
from checks.say import but, judged, skipped, unread
from deploy.catalog import Lock
from deploy.model import Cluster, Packaged
from deploy.serving import names

# Repositories of docker.io/rancher, by what k3s deploys from them (k3s-io/k3s scripts/airgap/image-list.txt).
# They come out of an archive that is locked as a whole: no digest of theirs is known.
OF_K3S = {
    Packaged.COREDNS: ("mirrored-coredns-coredns",),
    Packaged.LOCAL_STORAGE: ("local-path-provisioner", "mirrored-library-busybox"),
    Packaged.METRICS_SERVER: ("mirrored-metrics-server",),
    Packaged.SERVICELB: ("klipper-lb",),
    Packaged.TRAEFIK: ("mirrored-library-traefik",),
}
HELM_OF_K3S = "klipper-helm"  # installs what anybody declares as a HelmChart


def locked(cluster: Cluster, lock: Lock, seen: Snapshot) -> Iterator[Finding]:
    """Every container of the cluster's own namespaces runs an image with the digest in the lock file.

    An image that was imported, and not pulled by the kubelet, may have no digest here; the plan compares it
    on its host. What k3s brings is told by its name alone, and counted apart.
    """
    pods = seen.items("pods")
    if pods is None:
        yield unread("RT-13", None, seen.cause("pods"))
        return
    digests = {image.ref: image.digest for image in lock.document.images.values()}
    ours = (*SYSTEM, names.NAMESPACE)
    started = [each for pod in pods if namespace_of(pod) in ours for each in _containers(pod)]
    brought = _brought(cluster)
    packaged = [each for each in started if each[1] not in digests and _repository(each[1]) in brought]
    running = [each for each in started if each not in packaged and (each[2] or each[1] not in digests)]
    silent = len(started) - len(running) - len(packaged)
    untold = f", {silent} tell no digest" if silent else ""
    untold += f", {len(packaged)} are k3s' own by name" if packaged else ""
    if packaged and not running:
        yield skipped("RT-13", None, f"no container can be compared with the lock{untold}")
        return
    wrong = [each for each in running if each[2] != digests.get(each[1])]
    others = but(ref for _, ref, _ in wrong) + untold
    yield judged(
        "RT-13",
        None,
        bool(running) and not wrong,
        found=f"{len(running) - len(wrong)}/{len(running)} containers run what is locked{others}",
        wanted="all, and at least one",
        detail="\n".join(dict.fromkeys(_told(each, digests) for each in wrong)),
    )


def _brought(cluster: Cluster) -> frozenset[str]:
    """Return the repositories that this cluster's k3s deploys from; kubeadm has none."""
    if not cluster.is_k3s:
        return frozenset()
    parts = [part for name, its in OF_K3S.items() if name not in cluster.packaged_off for part in its]
    return frozenset(f"rancher/{name}" for name in (HELM_OF_K3S, *parts))


def _repository(ref: str) -> str:
    """Return a reference without its tag, and without the registry that is meant where none is named."""
    return ref.removeprefix("docker.io/").partition(":")[0]


def _told(started: tuple[str, str, str], digests: Mapping[str, str]) -> str:
    where, ref, digest = started
    return (
        f"{where}: {ref} runs {digest or 'an image without a digest'}, locked is {digests.get(ref, 'none')}"
    )


def _containers(pod: Object) -> Iterator[tuple[str, str, str]]:
    """Yield (pod, reference without its digest, digest of what runs) of each container that has started."""
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    wanted = {each["name"]: each["image"] for each in pod["spec"].get("containers") or ()}
    for each in statuses:
        if each.get("imageID"):
            ref = str(wanted.get(each["name"], each.get("image", ""))).partition("@")[0]
            _, at, digest = str(each["imageID"]).rpartition("@")
            yield f"{namespace_of(pod)}/{name_of(pod)}", ref, digest if at else ""
