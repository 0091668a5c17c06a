"""Static pods are what kubeadm makes of its configuration, and no others are run beside them."""

from __future__ import annotations

import json
import shlex

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from deploy.model import Cluster, Node
from deploy.model.api_server import ADMIN
from deploy.observe.kubeadm import ETC, MANIFESTS

WANTED = "what kubeadm makes of its configuration"
SHOWN = 30  # lines of a diff
MANIFEST = f"{ETC}/manifests/etcd.yaml"
ALONE = "no file but kubeadm's"
# A kubelet reads the files there, and links to some, under any name that begins with no dot
# (kubernetes/kubernetes pkg/kubelet/config/file.go, extractFromDir).
LISTED = "([ ! -d {folder} ] || find {folder} -mindepth 1 -maxdepth 1 ! -name '.*' -xtype f) && echo {end}"
END = "all"
# `kubeadm upgrade diff` leaves etcd out, so its manifest is made by a dry run, in memory
# (KUBEADM_INIT_DRYRUN_DIR: kubernetes/kubernetes cmd/kubeadm/app/constants). Of the members that were there
# when this one joined it knows nothing, and once it has joined nobody reads them.
COMPARE = """(
made=$(mktemp -d /run/slipway-etcd.XXXXXX) && trap 'rm -rf "$made"' EXIT || exit 3
{{ printf '%s\\n---\\n' {init}
kubectl --kubeconfig {admin} --request-timeout=10s -n kube-system get configmap kubeadm-config \
-o 'jsonpath={{.data.ClusterConfiguration}}' || exit 3; }} > "$made/config"
KUBEADM_INIT_DRYRUN_DIR="$made/dry" kubeadm init phase etcd local --dry-run --config "$made/config" \
> /dev/null || exit 3
grep -v -e '- --initial-cluster' {manifest} > "$made/found" || exit 3
grep -v -e '- --initial-cluster' "$made/dry/etcd.yaml" > "$made/wanted" || exit 3
diff -U 0 --label {manifest} --label 'new manifest' "$made/found" "$made/wanted"
)"""
DIFFERS = 1


def comparison(node: Node) -> str:
    """Return the shell that prints how a control plane's etcd differs from what kubeadm would make of it."""
    init = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": str(node.address)},
        "nodeRegistration": {"name": node.name, "criSocket": "unix:///run/containerd/containerd.sock"},
    }
    return COMPARE.format(init=shlex.quote(json.dumps(init)), admin=ADMIN, manifest=MANIFEST)


@proves("K8S-05")
def test_static_pods_are_as_kubeadm_made_them(host: Host, cluster: Cluster, node: Node, seen: Seen) -> None:
    version = shlex.quote(cluster.kubernetes.version)
    ran = host.run(f"kubeadm upgrade diff {version} --kubeconfig {ADMIN} -c 1")
    if ran.rc != 0:
        seen.unread(f"kubeadm upgrade diff ended with {ran.rc}: {ran.stderr.strip()}")
    if not ran.stdout.strip():
        seen.unread("kubeadm upgrade diff said nothing, not even what it read")
    etcd = host.run(comparison(node))
    if etcd.rc not in (0, DIFFERS):
        seen.unread(
            f"etcd's manifest could not be compared: {etcd.stderr.strip() or f'ended with {etcd.rc}'}"
        )
    lines = [line for line in ran.stdout.splitlines() if not line.startswith("[upgrade/diff]")]
    lines += etcd.stdout.splitlines()
    files = [line.split()[1] for line in lines if line.startswith("--- ")]
    seen.expect(
        found=f"{', '.join(files) or 'a manifest'} differ" if lines else WANTED,
        wanted=WANTED,
        detail="\n".join(lines[:SHOWN]),
    )


def listing(folder: str = f"{ETC}/manifests") -> str:
    """Return the shell that prints what a kubelet reads in a folder; one that is not there has nothing."""
    return LISTED.format(folder=shlex.quote(folder), end=END)


@proves("K8S-20")
def test_kubelets_read_no_other_static_pods(host: Host, node: Node, seen: Seen) -> None:
    ran = host.run(listing())
    if ran.rc != 0:
        seen.unread(f"the folder of static pods could not be listed: {ran.stderr.strip()}")
    files, own = {*ran.stdout.splitlines()}, {*MANIFESTS} if node.is_control_plane else set()
    if END not in files or (own and not own & files):
        seen.unread("the folder of static pods was not listed whole")
    added = ", ".join(sorted(files - own - {END}))
    seen.expect(found=f"the kubelet reads {added}, too" if added else ALONE, wanted=ALONE)
