"""Versions that must fit each other, judged from data before anything is installed."""

from __future__ import annotations

from collections.abc import Sequence

from checks.finding import Severity
from checks.preflight.verdicts import (
    Case,
    ClusterJudge,
    Everyone,
    HostJudge,
    Said,
    failed,
    passed,
    skipped,
)
from checks.say import listed
from deploy import catalog
from deploy.model import Vendor

KUBELET_LAG = 3  # https://kubernetes.io/releases/version-skew-policy/
DRA_GA = (1, 34)  # kubernetes/enhancements keps/sig-node/4381-dra-structured-parameters
DRA_BROKEN = ("v1.34.0", "v1.34.1")  # kubernetes-sigs/dra-driver-nvidia-gpu#814
INTEL_DRIVER, INTEL_NEEDS = "0.11.0", (1, 34)  # intel/intel-resource-drivers-for-kubernetes doc/gpu/README.md
GONE = {
    "docker.io/bitnami/": "its versioned tags were removed in 2025",
    "docker.io/minio/": "it was deleted in 2026",
    "registry.k8s.io/ingress-nginx/": "it was retired in March 2026",
}
FROZEN = {"quay.io/minio/": "it is archived", "docker.io/bitnamilegacy/": "it is frozen"}
FLOATING = ("latest", "main", "master", "nightly", "edge", "stable")


def numbers(version: str) -> tuple[int, int, int]:
    """Return v1.36.3+k3s1 as (1, 36, 3)."""
    major, minor, patch = version.removeprefix("v").partition("+")[0].partition("-")[0].split(".")[:3]
    return int(major), int(minor), int(patch)


def _short(version: tuple[int, int]) -> str:
    return f"v{version[0]}.{version[1]}"


def kubelets(case: Case) -> Said:
    """A kubelet that is here already fits the control plane that is declared."""
    remains = case.known(case.host.remains, "remains")
    found = remains.versions.get("kubelet") or remains.versions.get("k3s")
    declared = case.cluster.kubernetes.version
    wanted = f"<= {declared}, at most {KUBELET_LAG} minors older"
    if found is None:
        return skipped(f"no kubelet is installed yet; {declared} will be")
    said = f"kubelet {found}{' (k3s stand-in)' if remains.stand_in else ''}"
    try:
        have, want = numbers(found), numbers(declared)
    except ValueError:
        return failed(f"kubelet says it is {found}", wanted)
    if have[:2] > want[:2] or (have[:2] == want[:2] and have > want):
        return failed(said, wanted, detail="a control plane is never older than its kubelets")
    if have[0] != want[0] or want[1] - have[1] > KUBELET_LAG:
        return failed(said, wanted)
    return passed(said, wanted)


def node_password(case: Case) -> Said:
    """A host that is no k3s node yet carries no node password."""
    remains = case.known(case.host.remains, "remains")
    if "/etc/rancher/node/password" not in remains.places:
        return passed("no node password", "none before the first join")
    if remains.cluster == case.cluster.name:
        return passed("the password of this cluster's node", "none, or this cluster's")
    return failed("/etc/rancher/node/password of another life", "none before the first join")


def resource_api(everyone: Everyone) -> Said:
    """resource.k8s.io/v1 is served by the declared version, where GPUs are claimed."""
    if not everyone.cluster.claimed_gpus():
        return skipped("no node allocates GPUs by DRA")
    version = everyone.cluster.kubernetes.version
    wanted = f">= {_short(DRA_GA)}, which serves resource.k8s.io/v1"
    return passed(version, wanted) if numbers(version)[:2] >= DRA_GA else failed(version, wanted)


def lost_drivers(everyone: Everyone) -> Said:
    """The declared version does not forget DRA drivers."""
    if not everyone.cluster.claimed_gpus():
        return skipped("no node allocates GPUs by DRA")
    version = everyone.cluster.kubernetes.version
    wanted = f"not {' or '.join(DRA_BROKEN)}"
    plain = version.partition("+")[0]
    return failed(version, wanted) if plain in DRA_BROKEN else passed(version, wanted)


def intel_driver(everyone: Everyone) -> Said:
    """Intel's resource driver supports the declared version."""
    if not everyone.cluster.claimed_gpus(Vendor.INTEL):
        return skipped("no node claims Intel GPUs by DRA")
    version = everyone.cluster.kubernetes.version
    wanted = f">= {_short(INTEL_NEEDS)} for driver {INTEL_DRIVER}"
    return passed(version, wanted) if numbers(version)[:2] >= INTEL_NEEDS else failed(version, wanted)


def _refs(everyone: Everyone) -> tuple[str, ...] | None:
    if everyone.cluster.is_k3s:
        return None
    if not catalog.load().supports(everyone.cluster.kubernetes.version):
        return None
    return tuple(image.ref for image in catalog.needed(everyone.cluster).images)


def maintained(everyone: Everyone) -> Said:
    """No image comes from a source that is known to be gone."""
    refs = _refs(everyone)
    return skipped("the catalogue lists no images for this version") if refs is None else sources(refs)


def sources(refs: Sequence[str]) -> Said:
    """Say which images come from where nobody keeps them any more."""
    gone = [f"{ref}: {why}" for ref in refs for prefix, why in GONE.items() if ref.startswith(prefix)]
    frozen = [f"{ref}: {why}" for ref in refs for prefix, why in FROZEN.items() if ref.startswith(prefix)]
    frozen += [
        f"{ref}: staging images are deleted"
        for ref in refs
        if "staging" in ref.partition("/")[2].split("/")[0]
    ]
    wanted = f"{len(refs)} images of maintained sources"
    if gone:
        return failed(listed(gone, 3), wanted)
    if frozen:
        return failed(listed(frozen, 3), wanted, severity=Severity.WARNING)
    return passed(f"{len(refs)} images", wanted)


def fixed_tags(everyone: Everyone) -> Said:
    """No image's tag moves."""
    refs = _refs(everyone)
    return skipped("the catalogue lists no images for this version") if refs is None else tags(refs)


def tags(refs: Sequence[str]) -> Said:
    """Say which images may be others tomorrow."""
    moving = [ref for ref in refs if "@" not in ref and _tag(ref) in ("", *FLOATING)]
    wanted = f"{len(refs)} images with a fixed tag"
    return failed(listed(moving, 3), wanted) if moving else passed(f"{len(refs)} images", wanted)


def _tag(ref: str) -> str:
    return ref.rpartition("/")[2].partition(":")[2]


JUDGES: dict[str, HostJudge] = {"K8S-02": kubelets, "K8S-07": node_password}
CLUSTER_JUDGES: dict[str, ClusterJudge] = {
    "DRA-02": resource_api,
    "DRA-03": lost_drivers,
    "INT-03": intel_driver,
    "RT-10": maintained,
    "RT-11": fixed_tags,
}
