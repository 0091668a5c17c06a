"""What to do about a host that is not yet wholly a node: pure decisions on its observed state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from deploy.errors import HostError
from deploy.model.api_server import PORT
from deploy.observe import kubeadm
from deploy.observe.kube import Reach
from deploy.observe.kubeadm import State


class Do(StrEnum):
    """The ways on."""

    NOTHING = "nothing"
    RUN = "run kubeadm"
    ATTACH = "wait for the kubeadm that runs"
    PHASES = "run what is missing of kubeadm init"
    WAIT = "wait for the API server"
    REGISTER = "restart the kubelet"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do and why; `ignore` are kubeadm's preflight checks that an own leftover would fail.

    `without_data`: an etcd member of this name, if there is one, can never start again.
    """

    do: Do
    reason: str = ""
    ignore: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    without_data: bool = False


# the ports that kubeadm finds taken when a static pod of an earlier attempt runs already
_PORTS = {"etcd": ("2379", "2380"), "kube-apiserver": (str(PORT),)}
_PORTS |= {"kube-controller-manager": ("10257",), "kube-scheduler": ("10259",)}


def ignorable(state: State) -> tuple[str, ...]:
    """Return the names of exactly those preflight checks that fail because of what an own attempt left."""
    names = []
    for path in sorted(state.have):
        if path in kubeadm.MANIFESTS:
            names.append(f"FileAvailable-{path.replace('/', '-')}")
            component = path.rpartition("/")[2].removesuffix(".yaml")
            names += [f"Port-{port}" for port in _PORTS[component]]
        elif path == kubeadm.ETCD_DATA:
            names.append("DirAvailable--var-lib-etcd")
        elif path in (kubeadm.KUBELET_CONF, kubeadm.BOOTSTRAP_CONF, kubeadm.CA):
            names.append(f"FileAvailable-{path.replace('/', '-')}")
    return (*names, *(["Port-10250"] if state.running(kubeadm.KUBELET_UNIT) else []))


def _refuse_foreign(state: State, cluster: str, verb: str) -> None:
    """Leftovers of an own unfinished attempt are gone on with; anybody else's are never touched."""
    if not state.have or (state.marker and state.marker == kubeadm.Marker(cluster, verb)):
        return
    whose = (
        f"of `kubeadm {state.marker.verb}` for the cluster {state.marker.cluster}"
        if state.marker
        else "that slipway did not make"
    )
    raise HostError(
        f"{state.node} has files {whose}: {', '.join(sorted(state.have))}. Wanted: a host without a cluster. "
        "If nothing there is needed any more, run `kubeadm reset` on it yourself; slipway never does"
    )


def initialise(state: State, cluster: str) -> Decision:
    """Decide about the first control plane."""
    if state.running(kubeadm.INIT_UNIT):
        return Decision(Do.ATTACH, "kubeadm init is at work, left by an earlier run")
    whole = {*kubeadm.MANIFESTS, *kubeadm.KUBECONFIGS, kubeadm.KUBELET_CONF, kubeadm.KUBELET_CONFIG}
    if not whole <= state.have:
        _refuse_foreign(state, cluster, "init")
        return Decision(Do.RUN, _unfinished(state, whole), ignorable(state))
    if state.api.reach is not Reach.ANSWERS:
        return Decision(Do.WAIT, "the API server does not answer")
    if missing := state.missing_addons:
        return Decision(Do.PHASES, f"of kubeadm init there is missing: {', '.join(missing)}", phases=missing)
    return Decision(Do.NOTHING)


def _unfinished(state: State, whole: set[str]) -> str:
    """Say what a host lacks of a control plane; with etcd's data and no manifest it was one before."""
    if not state.have:
        return "there is no cluster yet"
    missing = sorted(whole - state.have)
    if kubeadm.ETCD_DATA in state.have and set(missing) <= set(kubeadm.MANIFESTS):
        return f"{', '.join(missing)} is missing, and kubeadm init makes it again beside what is there"
    return f"kubeadm init was interrupted, it left {', '.join(sorted(state.have))}"


def join(state: State, cluster: str, *, control_plane: bool) -> Decision:
    """Decide about any other node."""
    if state.running(kubeadm.JOIN_UNIT):
        return Decision(Do.ATTACH, "kubeadm join is at work, left by an earlier run")
    whole = {kubeadm.KUBELET_CONF, kubeadm.KUBELET_CONFIG, *(kubeadm.MANIFESTS if control_plane else ())}
    if not whole <= state.have:
        _refuse_foreign(state, cluster, "join")
        left = sorted(state.have)
        reason = f"kubeadm join was interrupted, it left {', '.join(left)}" if left else "not joined yet"
        empty = control_plane and kubeadm.ETCD_DATA not in state.have
        return Decision(Do.RUN, reason, ignorable(state), skip=_done(state), without_data=empty)
    if state.api.reach is not Reach.ANSWERS:
        return Decision(Do.WAIT, "the API server does not answer this node")
    if state.known is None:
        return Decision(Do.REGISTER, "the API does not know this node any more")
    labels = state.known["metadata"].get("labels") or {}
    if control_plane and kubeadm.CONTROL_PLANE_LABEL not in labels:
        return Decision(Do.RUN, "kubeadm join did not finish", ignorable(state), skip=_done(state))
    return Decision(Do.NOTHING)


def _done(state: State) -> tuple[str, ...]:
    """Return the join phases that must not run twice: kubeadm refuses a name whose Node is Ready already."""
    return ("kubelet-start",) if kubeadm.KUBELET_CONF in state.have and state.known else ()
