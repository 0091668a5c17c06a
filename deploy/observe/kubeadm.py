"""What kubeadm left on a host, and what the API knows of the host as a node."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.observe import api, kube
from deploy.observe.kube import Key, Object, Objects

ETC = "/etc/kubernetes"
MANIFESTS = tuple(
    f"{ETC}/manifests/{name}.yaml"
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
)
KUBECONFIGS = tuple(f"{ETC}/{name}.conf" for name in ("admin", "controller-manager", "scheduler"))
CA = f"{ETC}/pki/ca.crt"
KUBELET_CONF = f"{ETC}/kubelet.conf"
BOOTSTRAP_CONF = f"{ETC}/bootstrap-kubelet.conf"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
KUBELET_PEM = "/var/lib/kubelet/pki/kubelet-client-current.pem"
ETCD_DATA = "/var/lib/etcd/member"
INIT_UNIT = "slipway-kubeadm-init.service"
JOIN_UNIT = "slipway-kubeadm-join.service"
KUBELET_UNIT = "kubelet.service"
LIVE = "live"  # after it comes what the API said
MARKER = "/var/lib/slipway/kubeadm.json"

LEFTOVERS = (*MANIFESTS, *KUBECONFIGS, CA, KUBELET_CONF, BOOTSTRAP_CONF, KUBELET_CONFIG, ETCD_DATA)
ADMIN = "kubernetes-admin"
CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
FINALIZE = "kubelet-finalize all"
# any phase that asks the API binds the group of admin.conf first (EnsureAdminClusterRoleBinding
# in phases/kubeconfig, by super-admin.conf); this one says nothing that is not so already
BINDS = "mark-control-plane"

DNS = Key("apps", "Deployment", "kube-system", "coredns")
# what `kubeadm init` puts into the API, with the phase that makes it
ADDONS: dict[Key, str] = {
    Key("", "ConfigMap", "kube-system", "kubeadm-config"): "upload-config kubeadm",
    Key("", "ConfigMap", "kube-system", "kubelet-config"): "upload-config kubelet",
    Key("", "ConfigMap", "kube-public", "cluster-info"): "bootstrap-token",
    Key("apps", "DaemonSet", "kube-system", "kube-proxy"): "addon kube-proxy",
}


@dataclass(frozen=True, slots=True)
class Marker:
    """What slipway noted before it let kubeadm loose on a host."""

    cluster: str
    verb: str


@dataclass(frozen=True, slots=True)
class State:
    """A host as kubeadm knows it: which of LEFTOVERS are there, units by name, and the API's objects.

    `unfinalized`: its kubelet renews its certificate, and kubelet.conf does not read the renewed one.
    """

    node: str
    have: frozenset[str]
    marker: Marker | None
    units: dict[str, str]
    api: Objects
    unfinalized: bool = False

    def running(self, unit: str) -> bool:
        """Say whether a unit of ours is at work."""
        return self.units.get(unit, "inactive") in ("active", "activating", "deactivating", "reloading")

    @property
    def known(self) -> Object | None:
        """The Node object of this host."""
        return self.api.live.get(Key("", "Node", "", self.node))

    @property
    def missing_addons(self) -> tuple[str, ...]:
        """The phases of `kubeadm init` that have not been, in its order; meaningful when the API answers."""
        phases = [phase for addon, phase in ADDONS.items() if addon not in self.api.live]
        if self.unfinalized:
            addons = [phase for phase in phases if phase.startswith("addon ")]
            phases = [*phases[: len(phases) - len(addons)], FINALIZE, *addons]
        labels = self.known["metadata"].get("labels") or {} if self.known else {}
        return tuple(phases if CONTROL_PLANE_LABEL in labels else [BINDS, *phases])

    @property
    def unbound(self) -> bool:
        """Say whether the API knows admin.conf's user and lets it do nothing."""
        return any(f'is forbidden: User "{ADMIN}"' in each for each in self.api.errors)


def _stub(key: Key) -> Object:
    version = f"{key.group}/v1" if key.group else "v1"
    metadata = {"name": key.name, **({"namespace": key.namespace} if key.namespace else {})}
    return {"apiVersion": version, "kind": key.kind, "metadata": metadata}


def unfinalized(pem: str = KUBELET_PEM, conf: str = KUBELET_CONF) -> str:
    """Return what says so when a kubelet.conf does not read the certificate that its kubelet renews.

    Without such a certificate `kubelet-finalize` does nothing (kubeadm's phases/init/kubeletfinalize.go).
    """
    name, pem, conf = pem.rpartition("/")[2], shlex.quote(pem), shlex.quote(conf)
    return f"[ -e {pem} ] && ! grep -qsF {name} {conf} && echo unfinalized"


def command(node: str) -> str:
    """Return what reads a host's state: files, marker and units, then the API as far as the host may."""
    keys = (Key("", "Node", "", node), *ADDONS, DNS)
    paths = [api.path(_stub(each)) for each in keys]
    units = " ".join((INIT_UNIT, JOIN_UNIT, KUBELET_UNIT))
    return "\n".join(
        [
            f'for path in {shlex.join(LEFTOVERS)}; do [ -e "$path" ] && echo "have $path"; done',
            unfinalized(),
            f"echo \"marker $(tr -d '\\n' 2>/dev/null < {MARKER})\"",
            f"systemctl show --no-pager -p Id,ActiveState {units} | sed 's/^/unit /'",
            f"echo '{LIVE}'",
            f"if [ -s {kube.KUBECONFIG} ]; then",
            api.command(paths),
            "else",
            api.command(paths[:1], KUBELET_CONF),
            "fi",
        ]
    )


def parse(node: str, lines: Sequence[str]) -> State | None:
    """Return the state; None when systemd did not answer."""
    have, units, marker, unit = set(), {}, None, ""
    at = next((at for at, line in enumerate(lines) if line == LIVE), len(lines))
    for line in lines[:at]:
        word, _, rest = line.partition(" ")
        name, _, value = rest.partition("=")
        if word == "have":
            have.add(rest)
        elif word == "marker" and rest:
            marker = _marker(rest)
        elif word == "unit" and name == "Id":
            unit = value
        elif word == "unit" and name == "ActiveState":
            units[unit] = value
    if not units:
        return None
    said = api.parse(lines[at + 1 :])
    return State(node, frozenset(have), marker, units, said, "unfinalized" in lines[:at])


def _marker(text: str) -> Marker | None:
    try:
        found = json.loads(text)
        return Marker(found["cluster"], found["verb"])
    except (ValueError, KeyError, TypeError):
        return None
