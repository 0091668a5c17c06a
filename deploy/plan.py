"""Cluster -> ordered phases. This list is the documentation of what an apply does, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from deploy import catalog
from deploy.catalog import gates, gpu_needs, k3s_flags
from deploy.errors import InventoryError
from deploy.gpu import beside, models, skew
from deploy.model import CertificateProvider, Cluster, Vendor
from deploy.model.mistake import Mistake, written
from deploy.serving import mistakes as serving
from deploy.serving import placing


class Where(StrEnum):
    """Which hosts a phase runs on, and how."""

    ALL = "all hosts, in parallel"
    FIRST = "the first control plane"
    OTHERS = "the other control planes, one by one"
    CONTROL_PLANES = "the control planes, in parallel"
    WORKERS = "the workers, in parallel"
    SPEAKER = "one Ready control plane"
    GPU = "the hosts with GPUs, in parallel"
    SERVING = "the hosts that may serve models, in parallel"


@dataclass(frozen=True, slots=True)
class Phase:
    """One step on some hosts; `step` is the deploy function's dotted name, as plain pyinfra takes it."""

    name: str
    title: str
    step: str
    where: Where

    @property
    def of_cluster(self) -> bool:
        """Say whether any control plane may do it: it is about the cluster, and not about that host."""
        return self.where is Where.SPEAKER

    def hosts(self, cluster: Cluster) -> tuple[str, ...]:
        """Return the names of the nodes this phase is for; for SPEAKER every candidate, in order."""
        first, *others = (node.name for node in cluster.control_planes)
        match self.where:
            case Where.ALL:
                return tuple(node.name for node in cluster.nodes)
            case Where.FIRST:
                return (first,)
            case Where.OTHERS:
                return tuple(others)
            case Where.CONTROL_PLANES | Where.SPEAKER:
                return (first, *others)
            case Where.WORKERS:
                return tuple(node.name for node in cluster.workers)
            case Where.GPU:
                return tuple(node.name for node in cluster.gpu_nodes())
            case Where.SERVING:
                return tuple(node.name for node in placing.runs_models(cluster))


def unsupported(cluster: Cluster) -> list[Mistake]:
    """Return what is not known here: the Kubernetes version, its gates, options of k3s, models of GPUs."""
    kubernetes, known = cluster.kubernetes, catalog.load()
    if not known.supports(kubernetes.version):
        *minors, last = known.kubernetes.minors
        text = f'found "{kubernetes.version}", wanted a version of Kubernetes {", ".join(minors)} or {last}'
        return [Mistake(("kubernetes", "version"), text)]
    wrong = gates.check(kubernetes.version, kubernetes.feature_gates)
    wrong += models.mistakes(cluster) + beside.mistakes(cluster) + skew.mistakes(cluster)
    wrong += serving.mistakes(cluster)
    if cluster.is_k3s:
        wrong += k3s_flags.check(kubernetes.version, k3s_flags.SERVER, kubernetes.k3s.server)
        wrong += k3s_flags.check(kubernetes.version, k3s_flags.AGENT, kubernetes.k3s.agent)
    return wrong + _others_name(cluster, known.registries) + _unknown_phases(cluster)


def _others_name(cluster: Cluster, taken: Sequence[str]) -> list[Mistake]:
    """Return that the cluster's registry has the name of one that images come from."""
    if cluster.registry is None or cluster.registry.hostname not in taken:
        return []
    name = cluster.registry.hostname
    text = f"every image of {name} would be looked for in the cluster's own; wanted a name that nobody has"
    return [Mistake(("registry", "hostname"), text)]


def _unknown_phases(cluster: Cluster) -> list[Mistake]:
    """Return the drift that is accepted of a phase that this cluster does not have."""
    if not cluster.control_planes:  # a mistake that is named already, and no phase is known without one
        return []
    known = [phase.name for phase in _phases(cluster)]
    return [
        Mistake(
            ("drift_ignore", index, "plan"), f'no phase is called "{phase}"; there are: {", ".join(known)}'
        )
        for index, accepted in enumerate(cluster.drift_ignore)
        if accepted.plan is not None and (phase := accepted.plan.partition(" | ")[0]) not in known
    ]


def phases(cluster: Cluster) -> tuple[Phase, ...]:
    """Return what an apply of this cluster does, in order; a phase without hosts is left out.

    Raise for what cannot be installed, so that no verb forgets to ask.
    """
    if wrong := [f"{written(mistake.place)}: {mistake.text}" for mistake in unsupported(cluster)]:
        raise InventoryError("\n".join(wrong))
    return _phases(cluster)


def _phases(cluster: Cluster) -> tuple[Phase, ...]:
    wanted = [
        Phase("identity", "Know whose hosts these are", "deploy.steps.identity.identity", Where.ALL),
        Phase("baseline", "Prepare the hosts", "deploy.steps.baseline.baseline", Where.ALL),
        Phase("gpu-hosts", "Prepare the hosts' GPUs", "deploy.steps.gpu_hosts.gpu_hosts", Where.GPU),
        *(_k3s(cluster) if cluster.is_k3s else _kubeadm(cluster)),
        Phase("nodes", "Label and taint the nodes", "deploy.steps.nodes.nodes", Where.SPEAKER),
        *(
            [Phase("load-balancer", "Announce addresses", "deploy.steps.metallb.metallb", Where.SPEAKER)]
            if cluster.load_balancer
            else []
        ),
        *_storage(cluster),
        *_gpus(cluster),
        *_trust(cluster),
        *_object_store(cluster),
        *_registry(cluster),
        *_serving(cluster),
    ]
    return tuple(phase for phase in wanted if phase.hosts(cluster))


def _kubeadm(cluster: Cluster) -> list[Phase]:
    return [
        Phase("artifacts", "Fetch verified binaries", "deploy.steps.artifacts.artifacts", Where.ALL),
        Phase("containerd", "Run containerd", "deploy.steps.containerd.containerd", Where.ALL),
        Phase("images", "Import verified images", "deploy.steps.images.images", Where.ALL),
        *_endpoint(cluster),
        Phase("control-plane", "Start the control plane", "deploy.steps.kubeadm.control_plane", Where.FIRST),
        Phase(
            "control-planes",
            "Join the other control planes",
            "deploy.steps.kubeadm.control_planes",
            Where.OTHERS,
        ),
        Phase("workers", "Join the workers", "deploy.steps.kubeadm.workers", Where.WORKERS),
        # a flannel on a node without its range of addresses yet ends, and is started again ten seconds later
        Phase("network", "Give pods a network", "deploy.steps.cni.cni", Where.SPEAKER),
        Phase("names", "Give Services names", "deploy.steps.kubeadm.names", Where.FIRST),
    ]


def _k3s(cluster: Cluster) -> list[Phase]:
    """k3s brings its containerd and its pod network; the phases that both ways have keep their names."""
    return [
        Phase("artifacts", "Fetch the verified k3s", "deploy.steps.k3s.artifacts", Where.ALL),
        *_endpoint(cluster),
        Phase("control-plane", "Start the first server", "deploy.steps.k3s.server", Where.FIRST),
        Phase("control-planes", "Join the other servers", "deploy.steps.k3s.servers", Where.OTHERS),
        Phase("workers", "Join the agents", "deploy.steps.k3s.agents", Where.WORKERS),
    ]


def _gpus(cluster: Cluster) -> list[Phase]:
    """The vendors' stacks, and before them what their webhooks and selectors need."""
    needed = {
        "certificates": (
            gpu_needs.wants_cert_manager(cluster),
            "Make certificates",
            "deploy.steps.cert_manager.cert_manager",
        ),
        "node-features": (gpu_needs.wants_node_features(cluster), "Find features", "deploy.steps.nfd.nfd"),
    }
    before = [
        Phase(name, title, step, Where.SPEAKER) for name, (wanted, title, step) in needed.items() if wanted
    ]
    stacks = [
        Phase(f"gpu-{vendor}", f"Give {title} GPUs away", f"deploy.steps.{vendor}.{vendor}", Where.SPEAKER)
        for vendor, title in {"intel": "Intel's", "amd": "AMD's", "nvidia": "NVIDIA's"}.items()
        if cluster.gpu_nodes(Vendor(vendor))
    ]
    return [*before, *stacks]


def _storage(cluster: Cluster) -> list[Phase]:
    if cluster.storage is None:
        return []
    return [
        Phase("volumes", "Make the folders of volumes", "deploy.steps.storage.volumes", Where.ALL),
        Phase("storage", "Give pods volumes", "deploy.steps.storage.storage", Where.SPEAKER),
    ]


def _object_store(cluster: Cluster) -> list[Phase]:
    step = "deploy.steps.object_store.object_store"
    wanted = Phase("object-store", "Store objects", step, Where.SPEAKER)
    return [wanted] if cluster.object_store else []


def _trust(cluster: Cluster) -> list[Phase]:
    """Hosts have the cluster's CA from their join; another one is brought to them."""
    wanted = cluster.certificates.provider is CertificateProvider.CERT_MANAGER
    wanted |= cluster.certificates.system_trust
    return [Phase("trust", "Trust the services' CA", "deploy.steps.trust.trust", Where.ALL)] if wanted else []


def _registry(cluster: Cluster) -> list[Phase]:
    step = "deploy.steps.registry.registry"
    return [Phase("registry", "Keep images and models", step, Where.SPEAKER)] if cluster.registry else []


def _serving(cluster: Cluster) -> list[Phase]:
    """The models; what serves them has been on its way to their hosts since those could pull."""
    if not cluster.models:
        return []
    return [
        Phase("serving-images", "Have what serves models", "deploy.steps.serving.pulled", Where.SERVING),
        Phase("serving", "Serve models", "deploy.steps.serving.serving", Where.SPEAKER),
    ]


def _endpoint(cluster: Cluster) -> list[Phase]:
    step = "deploy.steps.endpoint.endpoint"
    wanted = Phase("endpoint", "Hold the virtual address", step, Where.CONTROL_PLANES)
    return [wanted] if cluster.has_virtual_endpoint else []
