"""Room, inodes, and how fast the disk for etcd syncs."""

from __future__ import annotations

from checks.finding import Severity
from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed, skipped
from checks.say import listed
from deploy.observe.disks import Disk

ROOM_GIB = 20  # images, logs and emptyDirs of a node without models
GPU_ROOM_GIB = 60  # a serving image of 10 to 20 GB, twice while it unpacks
TIGHT = 85  # percent: at 15 % free the kubelet evicts pods and deletes images
INODES_TIGHT = 90
SLOW_MS, TOO_SLOW_MS = (
    10.0,
    50.0,
)  # https://etcd.io/docs/latest/faq/#what-does-the-etcd-warning-failed-to-send-out-heartbeat-on-time-mean
GIB = 1024 * 1024  # KiB
MATTERS = ("/", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd", "/tmp")  # noqa: S108 - read only


def _percentile(values: tuple[float, ...], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _mounts(paths: tuple[Disk, ...]) -> list[Disk]:
    """Return one entry per file system, under the path that matters first."""
    seen: dict[str, Disk] = {}
    for disk in paths:
        seen.setdefault(disk.mount, disk)
    return list(seen.values())


def room(case: Case) -> Said:
    """Every file system that matters has room and inodes; containerd's has room for images."""
    disks = case.known(case.host.disks, "disks")
    least = GPU_ROOM_GIB if case.node.gpus else ROOM_GIB
    wanted = f">= {least} GiB for images, < {TIGHT} % used, < {INODES_TIGHT} % of inodes"
    mounts = _mounts(tuple(disk for disk in disks.paths if disk.path in MATTERS))
    if inodes := [disk for disk in mounts if (disk.inodes_used or 0) >= INODES_TIGHT]:
        return failed(
            listed([f"{disk.mount} has used {disk.inodes_used} % of its inodes" for disk in inodes]), wanted
        )
    if full := [disk for disk in mounts if disk.used >= TIGHT]:
        return failed(listed([f"{disk.mount} is {disk.used} % full" for disk in full]), wanted)
    images = next((disk for disk in disks.paths if disk.path == "/var/lib/containerd"), disks.paths[0])
    free = images.free_kib // GIB
    if free < least:
        return failed(f"{free} GiB free on {images.mount} for images", wanted)
    return passed(f"{free} GiB free on {images.mount} for images", wanted)


def sync(case: Case) -> Said:
    """99 of 100 syncs in etcd's directory are fast."""
    if not case.host.active:
        return skipped("needs --active, which writes 1 MB in etcd's directory and removes it")
    times = case.known(case.host.fsync, "fsync")
    slow = _percentile(times, 0.99)
    wanted = f"p99 < {SLOW_MS:g} ms"
    if slow < SLOW_MS:
        return passed(f"p99 {slow:.1f} ms of {len(times)} syncs", wanted)
    severity = Severity.ERROR if slow > TOO_SLOW_MS else Severity.WARNING
    return failed(f"p99 {slow:.1f} ms of {len(times)} syncs", wanted, severity=severity)


JUDGES: dict[str, HostJudge] = {"HOST-25": room, "HOST-26": sync}
