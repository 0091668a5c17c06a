"""What a kubelet reads when it starts is what kubeadm, or k3s, and slipway wrote for it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import yaml
from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from deploy.model import Cluster, Node
from deploy.observe import api
from deploy.observe.difference import at, differing
from deploy.observe.kubeadm import KUBELET_CONF, KUBELET_CONFIG

FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
VARIABLE = "KUBELET_KUBEADM_ARGS"
CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/kubelet-config"
DROP_INS = "/etc/kubernetes/kubelet.conf.d"
DROP_INS_OF_K3S = "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d"
OURS, OF_K3S = "20-slipway.conf", "00-k3s-defaults.conf"
# what kubeadm finds out on each host (kubernetes/kubernetes cmd/kubeadm/app/componentconfigs/kubelet.go,
# and app/phases/kubelet/config.go, NodeLocalCRISocket)
OF_THE_HOST = ("resolvConf", "containerRuntimeEndpoint")
CONTAINERD = "unix:///run/containerd/containerd.sock"
PART = re.compile(r"^@@ (\w+)\n", re.MULTILINE)
SHOWN = 3


def listing(folder: str) -> str:
    """Return the shell that names the files of a folder that a kubelet reads over its configuration."""
    return f"[ ! -d {folder} ] || find {folder} -name '*.conf' ! -type d -printf '%P\\n' || exit 1"


# any node may read that ConfigMap (kubeadm's Role kubeadm:kubelet-config)
READ = "\n".join(
    [
        f"echo '@@ config'; cat {KUBELET_CONFIG} || exit 1",
        f"echo; echo '@@ flags'; cat {FLAGS} || exit 1",
        f"echo; echo '@@ others'; {listing(DROP_INS)}",
        "echo '@@ wanted'",
        api.command([CONFIG_MAP], KUBELET_CONF),
    ]
)


@proves("K8S-19")
def test_the_kubelet_reads_what_was_written_for_it(
    host: Host, cluster: Cluster, node: Node, seen: Seen
) -> None:
    ran = host.run(listing(DROP_INS_OF_K3S) if cluster.is_k3s else READ)
    if ran.rc != 0:
        seen.unread(f"its files could not be read: {ran.stderr.strip() or f'ended with {ran.rc}'}")
    if cluster.is_k3s:
        wrong = [*_foreign(ran.stdout)]
    else:
        _, *parts = PART.split(ran.stdout)
        said = dict(zip(parts[::2], parts[1::2], strict=True))
        base = _base(said.get("wanted", ""), seen)
        wrong = [*_edited(said["config"], base), *_flags(said["flags"], node), *_foreign(said["others"])]
    shown = "; ".join(wrong[:SHOWN]) + (f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else "")
    seen.require(
        not wrong,
        found=shown or "what was written for it",
        wanted="what was written for it",
        detail="\n".join(wrong[SHOWN:]),
    )


def _base(said: str, seen: Seen) -> Any:
    """Return the configuration that kubeadm keeps for all nodes."""
    answers = api.said(said.splitlines())
    if len(answers) != 1 or not answers[0].answered:
        cause = answers[0].cause if answers else "no answer"
        seen.unread(f"the ConfigMap kubelet-config could not be read: {cause}")
    return yaml.safe_load(json.loads(answers[0].text)["data"]["kubelet"])


def _edited(text: str, base: Any) -> Iterator[str]:
    """Yield what config.yaml says other than the ConfigMap."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        yield "config.yaml is no configuration"
        return
    for path in differing(found, base):
        if path[0] not in OF_THE_HOST:
            have, want = at(found, path), at(base, path)
            yield f"config.yaml has {'.'.join(path)} {_word(have)}, the cluster's is {_word(want)}"


def _word(value: Any) -> str:
    return "not set" if value is None else json.dumps(value)


def _flags(text: str, node: Node) -> Iterator[str]:
    """Yield what kubeadm-flags.env gives that kubeadm does not (cmd/kubeadm/app/phases/kubelet/flags.go)."""
    try:
        given = dict(word.partition("=")[::2] for word in shlex.split(text, comments=True))
    except ValueError as error:
        yield f"kubeadm-flags.env cannot be read: {error}"
        return
    for name in sorted(given.keys() - {VARIABLE}):
        yield f"kubeadm-flags.env sets {name}"
    flags = dict(each.removeprefix("--").partition("=")[::2] for each in given.get(VARIABLE, "").split())
    wanted = {
        "container-runtime-endpoint": CONTAINERD,
        "hostname-override": node.name,
        "node-ip": str(node.address),
        "pod-infra-container-image": None,
        "register-with-taints": None,
    }
    for name, value in flags.items():
        if name not in wanted:
            yield f"kubeadm-flags.env gives --{name}={value}"
        elif wanted[name] not in (None, value):
            yield f"kubeadm-flags.env gives --{name}={value}, wanted {wanted[name]}"
    if "node-ip" not in flags:
        yield f"kubeadm-flags.env gives no --node-ip, wanted {node.address}"


def _foreign(listed: str) -> Iterator[str]:
    """Yield which drop-in is nobody's, or is ours and not there."""
    names = {name for name in listed.split("\n") if name}
    yield from (f"{name} lies among its drop-ins" for name in sorted(names - {OURS, OF_K3S}))
    if OURS not in names:
        yield f"{OURS} is not among its drop-ins"
