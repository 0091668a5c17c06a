"""The root file system of the lab's hosts: Debian as an installer leaves it, with SSH and three users."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.lab.archive import tar, tree
from deploy.lab.places import FILES
from deploy.lab.progress import Progress
from deploy.lab.run import podman, run

PACKAGES = (
    "systemd,systemd-sysv,libpam-systemd,dbus,openssh-server,sudo,python3-minimal,iproute2,iptables,kmod,"
    "procps,curl,ca-certificates,ethtool,conntrack,socat,nftables,util-linux,mount,jq,iputils-ping,busybox,"
    "hostname,pciutils"
)
"""What a server installation has; busybox serves the mirror."""

MASKED = (
    "getty@tty1.service console-getty.service getty.target "
    "apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer"
)
"""A console and background package work only make noise in a container."""

HOOKS = (
    'chroot "$1" useradd --create-home --shell /bin/bash ops',
    'chroot "$1" useradd --create-home --shell /bin/bash nosudo',
    'chmod 0440 "$1/etc/sudoers.d/ops"',
    'rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/hosts" "$1/etc/hostname" "$1/etc/resolv.conf"',
    'chroot "$1" systemctl --quiet enable own-files.service ssh.service',
    f'chroot "$1" systemctl --quiet mask {MASKED}',
)


def overlay() -> bytes:
    """Return `files/lab/host` as a tar for the image's root."""
    return tar(tree(FILES / "host"))


def image(suite: str) -> str:
    """Return the name of the image that this recipe makes."""
    made_of = repr((suite, PACKAGES, HOOKS)).encode() + overlay()
    return f"localhost/slipway-host:{suite}-{hashlib.sha256(made_of).hexdigest()[:12]}"


def built(suite: str, progress: Progress) -> str:
    """Make the image where it is missing, and return its name."""
    name = image(suite)
    if run(["podman", "image", "exists", name], check=False).returncode == 0:
        return name
    with progress.item(f"root file system {suite}"), TemporaryDirectory(prefix="slipway-rootfs-") as folder:
        added, root = Path(folder, "overlay.tar"), Path(folder, "root.tar")
        added.write_bytes(overlay())
        hooks = [f"--customize-hook=tar-in {added} /", *(f"--customize-hook={hook}" for hook in HOOKS)]
        options = ["--quiet", "--variant=minbase", "--format=tar", f"--include={PACKAGES}"]
        run(["mmdebstrap", *options, *hooks, suite, str(root)])
        podman("import", "--quiet", str(root), name)
    return name
