"""The inventory, typed: one `Cluster` is all that the rest of the tool knows of an operator's wishes."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import Field

from deploy.model.certificates import Certificates
from deploy.model.forms import (
    CHECK_ID,
    INTERFACE,
    JOURNAL_SIZE,
    PLANNED,
    SYSCTL,
    URL,
    Address,
    Day,
    LabelKey,
    LabelValue,
    Name,
    Switch,
)
from deploy.model.gpu import Declared, Gpu, Gpus
from deploy.model.k3s import Packaged
from deploy.model.kubernetes import NEW_CLUSTER, Containerd, Kubernetes
from deploy.model.object_store import ObjectStore
from deploy.model.ranges import AddressRange
from deploy.model.registry import Registry, address
from deploy.model.section import Section, setting
from deploy.model.serving import Model
from deploy.model.ssh import NodeSsh, Ssh
from deploy.model.storage import Storage
from deploy.model.values import Allocation, Change, Distribution, Role, TaintEffect, TimeSync, Vendor

OTHER_NODE = "drain and remove the node, then add it again under a name of its own"
MirrorUrl = Annotated[str, Field(pattern=URL)]
Interface = Annotated[str, Field(pattern=INTERFACE)]
Sysctl = Annotated[str, Field(pattern=SYSCTL)]
Number = Annotated[int, Field(strict=True)]


class Taint(Section):
    """A node's taint."""

    key: LabelKey = setting(Change.LIVE, "The taint's key.")
    value: LabelValue = setting(Change.LIVE, "The taint's value.", default="")
    effect: TaintEffect = setting(Change.LIVE, "What happens to pods that do not tolerate it.")


class Node(Section):
    """One host."""

    name: Name = setting(Change.IMMUTABLE, "The node's name, and the host's.", instead=OTHER_NODE)
    address: Address = setting(
        Change.IMMUTABLE, "The address by which the host is reached and known.", instead=OTHER_NODE
    )
    roles: tuple[Role, ...] = setting(
        Change.IMMUTABLE, "What the node is for.", instead=OTHER_NODE, min_length=1
    )
    ssh: NodeSsh | None = setting(Change.LIVE, "What differs from the cluster's `ssh`.", default=None)
    labels: dict[LabelKey, LabelValue] = setting(
        Change.LIVE, "Labels of the Kubernetes node.", default_factory=dict
    )
    taints: tuple[Taint, ...] | None = setting(
        Change.LIVE,
        "Taints of the Kubernetes node; left out, a control plane keeps its own when there are workers.",
        default=None,
    )
    gpus: Declared = setting(
        Change.ROLLING,
        "The GPUs that the node has: those of one model, or a list with an entry for each model.",
        default=(),
    )

    @property
    def is_control_plane(self) -> bool:
        """Say whether this node runs the API server."""
        return Role.CONTROL_PLANE in self.roles

    @property
    def gpu_vendors(self) -> tuple[Vendor, ...]:
        """The vendors of the GPUs, each once, in the order of their entries."""
        return tuple(dict.fromkeys(gpus.vendor for gpus in self.gpus))

    def gpus_of(self, vendor: Vendor) -> tuple[Gpus, ...]:
        """The entries of one vendor: one for each of its models."""
        return tuple(gpus for gpus in self.gpus if gpus.vendor is vendor)

    def allocation(self, vendor: Vendor) -> Allocation:
        """How pods get the node's GPUs of a vendor that it has: in one way, whatever their models."""
        return self.gpus_of(vendor)[0].allocation


class Artifacts(Section):
    """Where files and images come from: upstream, or a mirror that serves both."""

    mirror: MirrorUrl | None = setting(
        Change.LIVE, "Serves every file as MIRROR/<upstream host>/<path>.", default=None
    )
    registry_mirror: MirrorUrl | None = setting(
        Change.LIVE, "A registry that holds every image under its upstream path.", default=None
    )


class Host(Section):
    """How every host is prepared."""

    time: TimeSync = setting(
        Change.LIVE, "Who keeps the clock; none leaves it as it is.", default=TimeSync.CHRONY
    )
    journal_max: Annotated[str, Field(pattern=JOURNAL_SIZE)] = setting(
        Change.LIVE, "The most disk that the journal may take.", default="1G"
    )
    sysctls: dict[Sysctl, Number | str] = setting(
        Change.LIVE, "Kernel parameters beside those that Kubernetes needs.", default_factory=dict
    )


class LoadBalancer(Section):
    """MetalLB in L2 mode: the addresses that it may give away, and where it announces them."""

    provider: Annotated[str, Field(pattern="^metallb$")] = setting(
        Change.IMMUTABLE, "What announces addresses.", instead=NEW_CLUSTER, default="metallb"
    )
    pool: Annotated[tuple[str, ...], Field(min_length=1)] = setting(
        Change.LIVE, "Free addresses of the hosts' network, each FIRST-LAST or a network."
    )
    interfaces: tuple[Interface, ...] = setting(
        Change.LIVE, "The interfaces to announce on; none means all.", default=()
    )
    outside_subnet: Switch = setting(
        Change.LIVE, "Whether the pool may lie outside the hosts' networks, as routed ones do.", default=False
    )
    dhcp_range: str | None = setting(
        Change.LIVE,
        "What the network's DHCP server gives away, so that the pool keeps clear of it.",
        default=None,
    )


class Accepted(Section):
    """What is known and accepted for a while: shown as a warning."""

    host: Name | None = setting(Change.LIVE, "The node it is accepted on; left out, on all.", default=None)
    reason: Annotated[str, Field(min_length=1)] = setting(Change.LIVE, "Why it is accepted.")
    expires: Day = setting(Change.LIVE, "The last day on which it is accepted, as 2027-03-31.")


class Ignore(Accepted):
    """A check whose failure is accepted."""

    check: Annotated[str, Field(pattern=CHECK_ID)] = setting(Change.LIVE, "The check's id.")


class DriftIgnore(Accepted):
    """A nightly check whose failure is accepted, or an operation that an apply would do and that can wait."""

    check: Annotated[str, Field(pattern=CHECK_ID)] | None = setting(
        Change.LIVE, "The check's id.", default=None
    )
    plan: Annotated[str, Field(pattern=PLANNED)] | None = setting(
        Change.LIVE,
        "The operation as a report names it, PHASE | OPERATION; a phase alone means all of it.",
        default=None,
    )


class Cluster(Section):
    """One inventory file."""

    name: Name = setting(
        Change.IMMUTABLE, "The cluster's name.", instead="use another inventory file for another cluster"
    )
    kubernetes: Kubernetes = setting(Change.ROLLING, "The cluster's Kubernetes.", default=Kubernetes())
    ssh: Ssh = setting(Change.LIVE, "How the hosts are reached.", default=Ssh())
    artifacts: Artifacts = setting(Change.LIVE, "Where files and images come from.", default=Artifacts())
    host: Host = setting(Change.LIVE, "How every host is prepared.", default=Host())
    containerd: Containerd = setting(
        Change.ROLLING, "The container runtime of kubeadm clusters.", default=Containerd()
    )
    nodes: Annotated[tuple[Node, ...], Field(min_length=1)] = setting(Change.LIVE, "The hosts.")
    gpu: Gpu = setting(Change.ROLLING, "What makes GPUs usable, per vendor.", default=Gpu())
    load_balancer: LoadBalancer | None = setting(
        Change.LIVE, "Addresses for Services of type LoadBalancer.", default=None
    )
    storage: Storage | None = setting(
        Change.LIVE, "Volumes for pods; left out, slipway makes no storage class.", default=None
    )
    certificates: Certificates = setting(
        Change.LIVE, "What signs certificates inside the cluster.", default=Certificates()
    )
    object_store: ObjectStore | None = setting(
        Change.LIVE, "S3, for models and for the registry.", default=None
    )
    registry: Registry | None = setting(
        Change.LIVE, "A registry of images and models inside the cluster.", default=None
    )
    models: tuple[Model, ...] = setting(Change.LIVE, "The models that are served.", default=())
    ignore: tuple[Ignore, ...] = setting(
        Change.LIVE, "Failed checks that are accepted before an install and by verify.", default=()
    )
    drift_ignore: tuple[DriftIgnore, ...] = setting(Change.LIVE, "Drift that is accepted.", default=())

    @property
    def control_planes(self) -> tuple[Node, ...]:
        """The nodes that run the API server, in the inventory's order: the first is initialised first."""
        return tuple(node for node in self.nodes if node.is_control_plane)

    @property
    def workers(self) -> tuple[Node, ...]:
        """The nodes that only run pods."""
        return tuple(node for node in self.nodes if not node.is_control_plane)

    @property
    def is_k3s(self) -> bool:
        """Say whether k3s makes the cluster, not kubeadm."""
        return self.kubernetes.distribution is Distribution.K3S

    @property
    def endpoint(self) -> IPv4Address:
        """The address under which every node reaches the API server."""
        return self.kubernetes.endpoint or self.control_planes[0].address

    @property
    def has_virtual_endpoint(self) -> bool:
        """Say whether the endpoint is no node's own address, so that the control planes must hold it."""
        return self.endpoint not in {node.address for node in self.nodes}

    @property
    def pool(self) -> tuple[AddressRange, ...]:
        """The addresses that the load balancer may give away."""
        return tuple(
            AddressRange.parse(text) for text in (self.load_balancer.pool if self.load_balancer else ())
        )

    @property
    def packaged_off(self) -> tuple[Packaged, ...]:
        """What k3s does not deploy: as declared, or else what this cluster has of its own."""
        if (declared := self.kubernetes.k3s.disable) is not None:
            return declared
        ours = {Packaged.SERVICELB: self.load_balancer, Packaged.LOCAL_STORAGE: self.storage}
        return tuple(name for name, own in ours.items() if own)

    @property
    def hosts_of_pods(self) -> tuple[Node, ...]:
        """The nodes that ordinary pods may land on; the control planes too where there is nothing else."""
        return self.workers or self.nodes

    @property
    def registry_address(self) -> IPv4Address:
        """The address of the registry's Service, whether there is one or not."""
        return address(self.kubernetes.service_cidr)

    @property
    def services_ca(self) -> str:
        """Where every host has the certificate of the CA that signs for registry and object store."""
        return self.certificates.ca_on_hosts(self.kubernetes.distribution)

    def folders(self, node: Node) -> tuple[str, ...]:
        """The folders of a node that volumes lie in: of those that are made there, and of each declared."""
        if self.storage is None:
            return ()
        made = (self.storage.path,) if node in self.hosts_of_pods else ()
        return (*made, *(each.path for each in self.storage.volumes if each.node == node.name))

    def gpu_nodes(self, vendor: Vendor | None = None) -> tuple[Node, ...]:
        """The nodes that are declared to have GPUs, of one vendor or of any."""
        return tuple(node for node in self.nodes if (node.gpus_of(vendor) if vendor else node.gpus))

    def declared_gpus(self, vendor: Vendor | None = None) -> tuple[tuple[Node, Gpus], ...]:
        """What nodes are declared to have of one vendor or of any; a node with two models is there twice."""
        return tuple(
            (node, gpus) for node in self.nodes for gpus in node.gpus if vendor in (None, gpus.vendor)
        )

    def claimed_gpus(self, vendor: Vendor | None = None) -> tuple[tuple[Node, Gpus], ...]:
        """Those of them that pods get by a claim."""
        every = self.declared_gpus(vendor)
        return tuple((node, gpus) for node, gpus in every if gpus.allocation is Allocation.DRA)

    def node(self, name: str) -> Node:
        """Return the node of that name."""
        return next(node for node in self.nodes if node.name == name)

    def ssh_of(self, node: Node) -> Ssh:
        """Return how a node is reached."""
        return node.ssh.over(self.ssh) if node.ssh else self.ssh
