"""Bring every binary onto the host, each as the lock file pins it."""

from __future__ import annotations

from functools import partial

from pyinfra.api import deploy

from deploy import catalog, context
from deploy.model.row import Disturbs
from deploy.operations import artifacts as operations
from deploy.operations import kubeadm
from deploy.operations.artifacts import Installed

BIN, SBIN, CNI = "/usr/local/bin", "/usr/local/sbin", "/opt/cni/bin"
# 200 MB over a slow line; a download that stands still ends by itself
SECONDS = 3600
CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
# flannel's chain is bridge, host-local, loopback, portmap; the others are what second networks and limits use
PLUGINS = (
    "bandwidth", "bridge", "dhcp", "dummy", "firewall", "host-device", "host-local", "ipvlan", "loopback",
    "macvlan", "portmap", "ptp", "sbr", "static", "tap", "tuning", "vlan", "vrf",
)  # fmt: skip


@deploy("Artifacts")
def artifacts() -> None:
    """Install the container runtime, the CNI plugins and Kubernetes' own binaries."""
    cluster, arch = context.cluster(), operations.architecture()
    version = cluster.kubernetes.version
    operations.installed(
        name="Install containerd, runc and the CNI plugins",
        items=[
            pinned("containerd", arch, members={f"bin/{name}": f"{BIN}/{name}" for name in CONTAINERD}),
            pinned("runc", arch, f"{SBIN}/runc"),
            pinned("cni-plugins", arch, members={name: f"{CNI}/{name}" for name in PLUGINS}),
        ],
        rehash=context.rehashes(),
        disturbs=Disturbs.PODS,
        _timeout=SECONDS,
    )
    operations.installed(
        name=f"Install Kubernetes {version}",
        items=[
            pinned(f"{name}@{version}", arch, f"{BIN}/{name}") for name in ("kubeadm", "kubelet", "kubectl")
        ],
        rehash=context.rehashes(),
        disturbs=Disturbs.PODS,
        guard=partial(kubeadm.keep_version, context.node().name, version),
        _timeout=SECONDS,
    )
    if context.node().is_control_plane:
        operations.installed(
            name="Install Helm",
            items=[pinned("helm", arch, members={f"linux-{arch}/helm": f"{BIN}/helm"})],
            rehash=context.rehashes(),
            _timeout=SECONDS,
        )


def pinned(
    key: str,
    arch: str,
    dest: str | None = None,
    *,
    members: dict[str, str] | None = None,
    mode: str = "0755",
) -> Installed:
    """Return a download as the lock file pins it, from upstream or the mirror."""
    pin = catalog.lock.load(context.lock_path()).file(key, arch)
    url = catalog.pull_url(pin.url, context.cluster().artifacts.mirror)
    return Installed(url, pin.sha256, dest, mode, members or {})
