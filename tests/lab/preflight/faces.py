"""Simulated hardware on lab hosts, and what preflight says of each: one face a host, three in one run."""
# ruff: noqa: E501 - a table, and shell that is not wrapped

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.lab.preflight.breaks import ETH0, covered, overlaid, package, program, waiting


@dataclass(frozen=True, slots=True)
class Face:
    """A profile on a host that declares `gpus`, broken further by `make`.

    `found` maps a check to a regular expression for the whole of what it finds; the face's host is the only
    one of its round on which the check may fail. With the profile `whole`, and what was made mended, it passes.
    """

    host: str
    profile: str
    gpus: Mapping[str, object] | Sequence[Mapping[str, object]]
    found: Mapping[str, str] = field(default_factory=dict)
    make: tuple[str, ...] = ()
    mend: tuple[str, ...] = ()
    whole: str = ""

    @property
    def declared(self) -> object:
        """What the inventory says of the host's GPUs."""
        return dict(self.gpus) if isinstance(self.gpus, Mapping) else [dict(each) for each in self.gpus]

    @property
    def mended(self) -> str:
        """The profile of the same hardware with nothing wrong."""
        return self.whole or self.profile

    @property
    def name(self) -> str:
        """What a test of this face is called."""
        return f"{self.profile}-{'-'.join(self.found) or 'as-declared'}"


A770 = {"vendor": "intel", "model": "A770", "count": 2}
H100 = {"vendor": "nvidia", "model": "H100", "count": 8}
MI300X = {"vendor": "amd", "model": "MI300X", "count": 8}
ARCS_AND_H100 = (A770, {"vendor": "intel", "model": "B580", "count": 1}, {**H100, "count": 1})
ONE_OF_EACH = tuple({**each, "count": 1} for each in (A770, MI300X, H100))
TAKEN = "h100-nouveau"  # what its fix makes of it shows at the next boot, so it has a test of its own
SECOND = "0000:4b:00.0 A770"
LIBRARY = "libnvidia-compute-595"
CDI_OFF = 'version = 3\\n[plugins."io.containerd.cri.v1.runtime"]\\nenable_cdi = false\\n'
UNAME = 'case $1 in -r) echo 5.15.0-91-generic ;; -rm) echo 5.15.0-91-generic x86_64 ;; *) exec /usr/bin/uname "$@" ;; esac'
TRAINER = "systemd-run -q --collect --unit=trainer sh -c 'exec sleep 600 3<>/dev/dri/renderD200'"

ROUNDS = (
    (
        Face("n1", "a770-missing", A770, {"GPU-01": r"1x intel A770; not counted: integrated graphics \(simulated\)"}, whole="two-a770"),
        Face(
            "n2", "two-a770", A770,
            {
                "INT-02": r"kernel 5\.15 for A770",
                "GPU-06": "the kernel rejected a module's key",
                "GPU-09": r"used by sleep \(pid \d+\)",
                "RT-06": r"off in containerd 2\.3\.7",
            },
            (
                program("uname", UNAME),
                program("dmesg", 'echo "Loading of module xe: Key was rejected by service"'),
                f"{TRAINER}; {waiting('[ -e /dev/dri/renderD200 ]')}",
                program("containerd", "echo containerd github.com/containerd/containerd v2.3.7 0"),
                f"mkdir -p /etc/containerd; printf '{CDI_OFF}' > /etc/containerd/config.toml",
            ),
            ("rm /usr/local/bin/uname", "rm /usr/local/bin/dmesg", "systemctl stop trainer", "rm /usr/local/bin/containerd", "rm -r /etc/containerd"),
        ),
        Face("n3", "h100-iommu", H100, {"GPU-12": r"translating \(on by the kernel's default\) for 8 GPUs"}, whole="eight-h100"),
    ),
    (
        Face("n1", "one-b580", A770, {"GPU-01": r"1x intel B580 \(simulated\)"}, whole="two-a770"),
        Face("n2", "a770-no-node", A770, {"GPU-03": f"{SECOND} has no /dev/dri/renderD node"}, whole="two-a770"),
        Face(
            "n3", "hgx-h100", H100,
            {"NV-01": r"loaded 595\.91\.07, libraries 595\.99\.01", "HOST-23": f"not held: {LIBRARY}", "NV-06": "4 NVSwitches, no Fabric Manager"},
            (package(LIBRARY, "595.99.01-1"),),
            (f"dpkg --purge {LIBRARY} >/dev/null",),
            whole="eight-h100",
        ),
    ),
    (
        Face("n1", "bmc-only", A770, {"GPU-01": r"no GPU; not counted: ASPEED \(management controller\) \(simulated\)", "GPU-02": "no GPU on the bus, see GPU-01"}, whole="two-a770"),
        Face("n2", "a770-small-bar", A770, {"GPU-05": f"{SECOND} 256 MiB"}, whole="two-a770"),
        Face(
            "n3", "eight-mi300x", MI300X,
            {"AMD-02": "amdgpu is blacklisted", "AMD-04": "1"},
            ("mkdir -p /etc/modprobe.d; echo blacklist amdgpu > /etc/modprobe.d/operator.conf", covered("/proc/sys/kernel/numa_balancing", r"1\n")),
            ("rm /etc/modprobe.d/operator.conf", "umount /proc/sys/kernel/numa_balancing"),
        ),
    ),
    (
        Face("n1", "a770-vfio", A770, {"GPU-02": f"{SECOND} is bound to vfio-pci"}, whole="two-a770"),
        Face("n2", "a770-x1", A770, {"GPU-11": f"{SECOND} x1 at 16 GT/s of x16 at 16"}, whole="two-a770"),
        Face("n3", "h100-far", {**H100, "count": 2}, {"GPU-13": "GPUs on 1, eth0 on 0"}, (overlaid(ETH0, {"device/numa_node": "0"}),), (f"umount {ETH0}",), whole="two-h100"),
    ),
    (
        Face("n1", "mi300x-no-kfd", {**MI300X, "count": 1}, {"AMD-01": "no /dev/kfd"}, whole="one-mi300x"),
        Face("n2", "a770-no-driver", A770, {"GPU-02": f"{SECOND} is bound to no driver"}, whole="two-a770"),
        Face("n3", "two-a770", A770),
    ),
    (
        Face("n1", "arcs-and-h100", ARCS_AND_H100),
        Face(
            "n2", "arcs-alone", ARCS_AND_H100,
            {"GPU-01": r"2x intel A770, 1x intel B580; not counted: integrated graphics \(simulated\)"},
            whole="arcs-and-h100",
        ),
        Face("n3", "one-of-each", ONE_OF_EACH),
    ),
    (
        Face("n1", "eight-h100", H100),
        Face("n2", "a770-mixed", A770, {"INT-01": "1x xe, 1x i915"}, whole="two-a770"),
        Face("n3", "eight-mi300x", MI300X),
    ),
)  # fmt: skip
