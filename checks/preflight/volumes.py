"""Where volumes will lie."""

from __future__ import annotations

from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed, skipped
from checks.say import listed

KIB_PER_GIB = 1 << 20


def off_the_root_disk(case: Case) -> Said:
    """What pods write does not fill the disk that the host itself lives on."""
    folders = case.cluster.folders(case.node)
    if not folders:
        return skipped("no volume will lie here")
    disks = {disk.path: disk for disk in case.known(case.host.disks, "disks").paths}
    there = [case.known(disks.get(folder), f"the disk below {folder}") for folder in folders]
    room = [f"{disk.path} in {disk.mount}, {disk.free_kib // KIB_PER_GIB} GiB free" for disk in there]
    wanted = "a disk of their own"
    if any(disk.mount == "/" for disk in there):
        return failed(f"{listed(room)}: the root disk", wanted)
    return passed(listed(room), wanted)


JUDGES: dict[str, HostJudge] = {"VOL-01": off_the_root_disk}
