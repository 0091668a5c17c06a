"""What a host is: user, kernel, distribution, processors, memory, identity."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.observe.pairs import number, pairs, required

COMMAND = """
r() { v=; IFS= read -r v < "$2"; [ -n "$v" ] && echo "$1=$v"; }
while read -r key real effective rest; do [ "$key" = Uid: ] && echo "uid=$effective"; done < /proc/self/status
set -- $(uname -rm)
echo "kernel=$1"
echo "arch=$2"
r hostname /proc/sys/kernel/hostname
r init /proc/1/comm
r cmdline /proc/cmdline
r machine_id /etc/machine-id
r product_uuid /sys/class/dmi/id/product_uuid
(. /etc/os-release && echo "os=$ID" && echo "os_version=$VERSION_ID" && echo "os_name=$PRETTY_NAME")
echo "cpus=$(nproc || getconf _NPROCESSORS_ONLN)"
while read -r key kib unit; do [ "$key" = MemTotal: ] && echo "memory_kib=$kib"; done < /proc/meminfo
:
"""


@dataclass(frozen=True, slots=True)
class System:
    """A host's constants; None where the host did not say."""

    uid: int
    kernel: str
    arch: str
    hostname: str
    init: str | None
    cmdline: str
    machine_id: str | None
    product_uuid: str | None
    os: str | None
    os_version: str | None
    os_name: str | None
    cpus: int | None
    memory_kib: int | None

    @property
    def kernel_release(self) -> tuple[int, int]:
        """The kernel's version as numbers: (6, 8) of 6.8.0-84-generic; (0, 0) where it has none."""
        major, _, rest = self.kernel.partition(".")
        minor = "".join(letter for letter in rest.partition(".")[0] if letter.isdigit())
        return number(major) or 0, number(minor) or 0


def parse(text: str) -> System:
    """Read the pairs; a host that can't say who and what it is could not be read."""
    found = pairs(text)
    required(found, ("uid", "kernel", "arch", "hostname"))
    uid = number(found["uid"])
    return System(
        uid=65534 if uid is None else uid,
        kernel=found["kernel"],
        arch=found["arch"],
        hostname=found["hostname"],
        init=found.get("init"),
        cmdline=found.get("cmdline", ""),
        machine_id=found.get("machine_id"),
        product_uuid=found.get("product_uuid"),
        os=found.get("os"),
        os_version=found.get("os_version"),
        os_name=found.get("os_name"),
        cpus=number(found.get("cpus")),
        memory_kib=number(found.get("memory_kib")),
    )
