"""k3s on a host: where it keeps things, what it generated, what it says when it will not start or join."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.model.api_server import PORT

SERVER_UNIT = "k3s.service"
AGENT_UNIT = "k3s-agent.service"
DATA = "/var/lib/rancher/k3s"
STATE = f"{DATA}/server/db"
SERVER_TOKEN = f"{DATA}/server/token"
AGENT_TOKEN = f"{DATA}/server/agent-token"
SERVER_CA = f"{DATA}/agent/server-ca.crt"
KUBECONFIG = f"{DATA}/agent/kubelet.kubeconfig"
NODE_PASSWORD = "/etc/rancher/node/password"  # noqa: S105 - where it is, not what it is
CONTAINERD = f"{DATA}/agent/etc/containerd"
GENERATED = f"{CONTAINERD}/config.toml"
RECORD = "/run/slipway/k3s.generated"
END = "end-of-k3s"


@dataclass(frozen=True, slots=True)
class State:
    """What a host has of k3s.

    `active` is the unit's state. `known` says whether the API knows the node, None when it cannot be asked.
    `edited` says that config.toml is not what k3s generated when it started.
    """

    active: str
    has_state: bool
    has_password: bool
    known: bool | None
    edited: bool


def record_command() -> str:
    """Return what a unit runs once k3s is up: it remembers what k3s generated."""
    return (
        f"mkdir -p {RECORD.rpartition('/')[0]}; sha256sum {GENERATED} >{RECORD}.part 2>/dev/null; "
        f"mv -f {RECORD}.part {RECORD}"
    )


def command(unit: str, node: str) -> str:
    """Return what reads a host's state in one round trip."""
    ask = f"/usr/local/bin/k3s kubectl --kubeconfig={KUBECONFIG} --request-timeout=5s get node"
    ask += f" {shlex.quote(node)} -o name"
    return "\n".join(
        [
            f'export LC_ALL=C; echo "active $(systemctl show --value -p ActiveState {shlex.quote(unit)})"',
            f"[ -e {STATE} ] && echo state",
            f"[ -s {NODE_PASSWORD} ] && echo password",
            f"[ -s {RECORD} ] && {{ sha256sum -c --status {RECORD} 2>/dev/null || echo edited; }}",
            f"if [ -s {KUBECONFIG} ]; then said=$({ask} 2>&1) && echo known",
            'case "$said" in *NotFound*) echo unknown;; esac; fi',
            f"echo {END}",
        ]
    )


def parse(lines: Sequence[str]) -> State | None:
    """Return the state; None when the output is cut off or systemd did not answer."""
    active = next((line.removeprefix("active ") for line in lines if line.startswith("active ")), "")
    if END not in lines or not active:
        return None
    known = True if "known" in lines else False if "unknown" in lines else None
    return State(active, "state" in lines, "password" in lines, known, "edited" in lines)


def link_command(path: str) -> str:
    """Return what prints where a symbolic link points, and nothing for anything else."""
    return f"readlink -- {shlex.quote(path)} || true"


@dataclass(frozen=True, slots=True)
class Cause:
    """Words of k3s' log (an extended regular expression), and what they mean to an operator.

    `lasting` says that waiting does not mend it.
    """

    words: str
    meaning: str
    lasting: bool = True


UNKNOWN = "its log names no cause that slipway knows; its last words:"
# how often k3s says a lasting cause before it is believed: a server that is just starting refuses, too
LASTING = 3
# what a server's API server says of its clients, the aggregation layer's own certificate among them
# (kubernetes/kubernetes staging/src/k8s.io/apiserver/pkg/endpoints/filters/authentication.go): no cause
OF_CLIENTS = "Unable to authenticate the request"
# the first that fits is told; NODE is the node's name
CAUSES = (
    # k3s-io/k3s#6054, #802
    Cause(
        "Node password rejected",
        "the cluster remembers another machine as NODE. When that machine is gone for good, run"
        " `kubectl -n kube-system delete secret NODE.node-password.k3s` on a server and apply again.",
    ),
    # k3s-io/docs docs/cli/token.md: a full token carries the digest of the CA
    Cause(
        "token CA hash does not match",
        "the token is of a cluster with another CA: the server was made anew, or its CA was changed."
        " Apply again to fetch the token of the cluster as it is.",
    ),
    # k3s-io/k3s#8381, #3727
    Cause(
        "not authorized|401 Unauthorized|: Unauthorized",
        "the server does not accept the token. Apply again to fetch the one that it accepts.",
    ),
    Cause(
        "certificate has expired or is not yet valid|certificate is not yet valid",
        "a certificate is not valid now: the clocks of NODE and the server differ, or it has expired;"
        " compare `date` on both.",
    ),
    Cause(
        "certificate signed by unknown authority|CERTIFICATE_VERIFY_FAILED",
        "the server shows a certificate that the cluster's CA did not sign: another cluster answers at that"
        " address, or the CA was changed.",
    ),
    # k3s-io/k3s#4210, #10408: a server that lost its data is still a member of etcd
    Cause(
        "duplicate node name found",
        "etcd still has a member of that name, and this host has lost its data. When that is gone for good,"
        " run `kubectl delete node NODE` on another server, which takes the member away, and apply again.",
    ),
    # k3s-io/k3s#12745, #6448
    Cause(
        "critical configuration value mismatch",
        "its config.yaml differs from the other servers' in what all must share; its log names the options."
        " Put them back as the cluster was made with.",
    ),
    # k3s-io/k3s#3888
    Cause(
        "encrypted with different token",
        "the cluster's state is encrypted with another token than this server has. Apply again to fetch the"
        " one that the cluster has.",
    ),
    # k3s-io/k3s#6565
    Cause(
        "flag provided but not defined",
        "config.yaml, or a file in config.yaml.d, has a key that this role of k3s does not take.",
    ),
    Cause(
        "[Cc]onnection refused|[Nn]o route to host|i/o timeout|timed out|context deadline exceeded",
        f"the server did not answer; see that it runs, and that port {PORT} is open from NODE.",
        lasting=False,
    ),
    # a server that joins dies and comes back while the first one restarts
    Cause("level=fatal", "k3s ends soon after every start; its last words say why:", lasting=False),
)
