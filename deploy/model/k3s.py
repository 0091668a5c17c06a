"""What an inventory says about k3s: what slipway decides with, and options of k3s' own beside it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue

from deploy.model.forms import Limit
from deploy.model.section import Section, setting
from deploy.model.values import Change

NEW_CLUSTER = "make a new cluster and move the workloads there"
POLICY_MODULES = frozenset(
    {
        *("ip_set", "ip_set_hash_ip", "ip_set_hash_net", "xt_set"),
        *("xt_addrtype", "xt_comment", "xt_multiport", "xt_physdev"),
    }
)
"""What of the kernel NetworkPolicies are enforced by.

Without sets k3s enforces none, and says so in its log alone (k3s-io/k3s pkg/agent/netpol); the others are
what its kube-router's rules match by, whatever kube-proxy writes (kube-router v2.6.3 pkg/controllers/netpol).
"""
Options = dict[Annotated[str, Field(min_length=1)], JsonValue]


class Datastore(StrEnum):
    """What keeps the cluster's state; etcd takes further servers, SQLite has one."""

    ETCD = "etcd"
    SQLITE = "sqlite"


class FlannelBackend(StrEnum):
    """How k3s' own flannel carries pods' packets; none leaves the network to another CNI."""

    VXLAN = "vxlan"
    HOST_GW = "host-gw"
    WIREGUARD = "wireguard-native"
    NONE = "none"


class Packaged(StrEnum):
    """What k3s deploys by itself unless it is told not to."""

    COREDNS = "coredns"
    LOCAL_STORAGE = "local-storage"
    METRICS_SERVER = "metrics-server"
    RUNTIMES = "runtimes"
    SERVICELB = "servicelb"
    TRAEFIK = "traefik"


class ServiceLimits(Section):
    """The limits of k3s' units; k3s' own, a host in a container may have less."""

    nofile: Limit = setting(Change.ROLLING, "LimitNOFILE of the units.", default="1048576")
    nproc: Limit = setting(Change.ROLLING, "LimitNPROC of the units.", default="infinity")


class K3s(Section):
    """What is k3s' own in a cluster of k3s."""

    datastore: Datastore = setting(
        Change.IMMUTABLE,
        "What keeps the cluster's state: embedded etcd, or SQLite on a single server.",
        instead=NEW_CLUSTER,
        default=Datastore.ETCD,
    )
    disable: tuple[Packaged, ...] | None = setting(
        Change.ROLLING,
        "What k3s shall not deploy; left out, servicelb where load_balancer is declared, and local-storage"
        " where storage is.",
        default=None,
    )
    flannel_backend: FlannelBackend = setting(
        Change.IMMUTABLE,
        "How k3s' flannel carries pods' packets; none when another CNI will.",
        instead=NEW_CLUSTER,
        default=FlannelBackend.VXLAN,
    )
    server: Options = setting(
        Change.ROLLING, "More options of `k3s server`, as in its config.yaml.", default_factory=dict
    )
    agent: Options = setting(
        Change.ROLLING, "More options of `k3s agent`, as in its config.yaml.", default_factory=dict
    )
    limits: ServiceLimits = setting(Change.ROLLING, "The limits of k3s' units.", default=ServiceLimits())

    @property
    def enforces_policies(self) -> bool:
        """Whether it enforces NetworkPolicies itself: unless it is told not to, as it is for another CNI."""
        off = self.server.get("disable-network-policy", self.flannel_backend is FlannelBackend.NONE)
        return off is not True
