"""One host with one fault each, and what preflight must say of it: it drives the judges' tests."""
# ruff: noqa: E501 - a table, one fault a line

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from checks.collect.observed import Observed
from deploy.observe.cgroup import Cgroup
from deploy.observe.clock import Clock
from deploy.observe.gpu_state import Fabric, Module
from deploy.observe.listeners import Listener
from deploy.observe.modules import Presence
from deploy.observe.network import Address, Route
from deploy.observe.pci import Bus
from deploy.observe.reach import Reach
from deploy.observe.runtime import Runtime
from deploy.observe.swap import Swap
from deploy.observe.sysctl import Assignment, Parameter
from tests.unit.checks.machines import GIB, GPULESS, KERNEL, device, hops

Break = Callable[[Observed], Observed]


@dataclass(frozen=True, slots=True)
class Fault:
    """`reads` are the fields that the judge needs, so that each can be taken away."""

    check: str
    host: str
    break_: Break
    severity: str
    found: str
    detail: str = ""
    reads: tuple[str, ...] = ()


def within(name: str, **changes: Any) -> Break:
    """Change one fact of a host."""
    return lambda host: replace(host, **{name: replace(getattr(host, name), **changes)})


def sysctl(key: str, value: str) -> Break:
    """Give a kernel parameter another live value."""
    return lambda host: replace(
        host,
        sysctls=replace(host.sysctls, live={**host.sysctls.live, key: Parameter(value, writable=True)}),  # type: ignore[union-attr, type-var]
    )


def containerd(
    release: tuple[int, int, int] = (2, 3, 7), *, answers: bool | None = True, **config: Any
) -> Break:
    """Give a host a containerd."""
    found = Runtime(release, answers, config or None, broken_config=False, k3s_files={}, cdi={})
    return lambda host: replace(host, runtime=found)


def lent(host: Observed) -> Observed:
    """Have the node's address lent by DHCP."""
    addresses = tuple(
        replace(each, dynamic=not each.interface.ip.is_loopback) for each in host.network.addresses
    )  # type: ignore[union-attr]
    return replace(host, network=replace(host.network, addresses=addresses))  # type: ignore[type-var]


def readdressed(host: Observed) -> Observed:
    """Take the node's address away."""
    other = (Address("eth0", IPv4Interface("192.168.1.77/24"), dynamic=False),)
    return replace(host, network=replace(host.network, addresses=other))  # type: ignore[type-var]


def linked(**changes: Any) -> Break:
    """Change the node's interface."""

    def change(host: Observed) -> Observed:
        eth0, *others = host.network.links  # type: ignore[union-attr]
        return replace(host, network=replace(host.network, links=(replace(eth0, **changes), *others)))  # type: ignore[type-var]

    return change


def routed(host: Observed) -> Observed:
    """Lead a part of the pods' range into a tunnel."""
    tunnel = Route(IPv4Network("10.42.7.0/24"), "wg0", None)
    return replace(host, network=replace(host.network, routes=(*host.network.routes, tunnel)))  # type: ignore[type-var, union-attr]


def squatted(host: Observed) -> Observed:
    """Have somebody answer for an address of the pool."""
    printer = (IPv4Address("192.168.1.245"), "00:11:22:33:44:55")
    return replace(host, network=replace(host.network, neighbours=(printer,)))  # type: ignore[type-var]


def disk(**changes: Any) -> Break:
    """Change the one file system."""

    def change(host: Observed) -> Observed:
        found, *others = host.disks.paths  # type: ignore[union-attr]
        return replace(host, disks=replace(host.disks, paths=(replace(found, **changes), *others)))  # type: ignore[type-var]

    return change


def no_disk_of_its_own(host: Observed) -> Observed:
    """Have volumes lie on the root disk."""
    root, data = host.disks.paths  # type: ignore[union-attr]
    return replace(host, disks=replace(host.disks, paths=(root, replace(root, path=data.path))))  # type: ignore[type-var]


def card(**changes: Any) -> Break:
    """Change the first A770."""

    def change(host: Observed) -> Observed:
        own, first, *others = host.pci.devices  # type: ignore[union-attr]
        return replace(host, pci=Bus(True, (own, replace(first, **changes), *others)))

    return change


def no_cards(host: Observed) -> Observed:
    """Leave a management controller's display only."""
    display = device("0000:06:00.0", "1a03", "2000", "ast", bar=64 * 1024**2)
    return replace(host, pci=Bus(True, (display,)))


def grouped(host: Observed) -> Observed:
    """Put every card behind a translating IOMMU."""
    devices = tuple(replace(each, iommu_group=str(number)) for number, each in enumerate(host.pci.devices))  # type: ignore[union-attr]
    return replace(host, pci=Bus(True, devices))


def instinct(host: Observed) -> Observed:
    """Make it a host with one MI300X."""
    mi300x = device("0000:1b:00.0", "1002", "74a1", "amdgpu", bar=256 * GIB, pci_class="120000")
    seen = replace(
        GPULESS, present=True, loaded={"amdgpu": ""}, nodes=frozenset({"kfd", "renderD155"}), kfd=1
    )
    modules = (Module(KERNEL, "amdgpu", dkms=False, version=""),)
    return replace(host, pci=Bus(True, (mi300x,)), gpu_state=replace(seen, modules=modules))


def hopper(host: Observed) -> Observed:
    """Make it a host with one H100."""
    h100 = device("0000:1b:00.0", "10de", "2330", "nvidia", bar=128 * GIB, pci_class="030200")
    seen = replace(
        GPULESS,
        present=True,
        loaded={"nvidia": "595.91.07"},
        modules=(Module(KERNEL, "nvidia", dkms=True, version="595.91.07"),),
        libraries={"libnvidia-compute-595": "595.91.07-0ubuntu1"},
        nodes=frozenset({"nvidia0"}),
        logged=True,
    )
    return replace(host, pci=Bus(True, (h100,)), gpu_state=seen)


def hgx(**changes: str) -> Break:
    """Make it a host with an H100 behind NVSwitches."""
    whole = {"state": "active", "version": "595.91.07"}
    return after(hopper, within("gpu_state", fabric=Fabric(4, **{**whole, **changes})))


def after(first: Break, second: Break) -> Break:
    """Do one after the other."""
    return lambda host: second(first(host))


def twin(**changes: Any) -> Break:
    """Give w1 what cp1 has."""
    return within("system", **changes)


# https://docs.nvidia.com/deploy/xid-errors/working-with-xid-errors.html
LOST = "[ 99.1] NVRM: Xid (PCI:0000:1b:00): 79, pid=7, name=python3, GPU has fallen off the bus."
CRASHED = "[ 98.2] NVRM: Xid (PCI:0000:1b:00): 31, pid=7, name=python3, MMU Fault"
MIXED = within("gpu_state", loaded={"i915": ""})
V1_PLUGIN = {"io.containerd.grpc.v1.cri": {"enable_cdi": False}}
CP1_ID = f"{3:032x}"
CP1_UUID = "4c4c4544-004a-3510-8043-cac04f563533"
BASELINE = "will be set by baseline"
CONTAINERD = "will be set by containerd"
X1 = "0000:03:00.0 A770 x1 at 16 GT/s of x16 at 16"
TREE = (Module(KERNEL, "xe", dkms=False, version=""), Module(KERNEL, "i915", dkms=False, version=""))

# fmt: off
FAULTS = (
    Fault("HOST-01", "w1", within("system", uid=1000), "error", "uid 1000; what only root may read is missing below", reads=("system",)),
    Fault("HOST-02", "cp1", within("system", cpus=1), "error", "Debian GNU/Linux 12 (bookworm) x86_64, 1 CPUs, 32768 MiB", reads=("system",)),
    Fault("HOST-02", "w1", within("system", arch="riscv64"), "error", "Debian GNU/Linux 12 (bookworm) riscv64, 8 CPUs, 32768 MiB"),
    Fault("HOST-02", "w1", within("system", os="nixos", os_name="NixOS 26.05"), "info", "NixOS 26.05 x86_64, 8 CPUs, 32768 MiB", "it may work; nobody has tried"),
    Fault("HOST-03", "w1", lambda host: replace(host, swap=Swap(("/swap.img",), "", {}, None)), "warning", "swap on /swap.img", BASELINE, ("swap",)),
    Fault("HOST-04", "w1", lambda host: replace(host, swap=Swap((), "/swap.img\tnone\tswap\tsw\t0 0\n", {}, None)), "warning", "turned on at boot by /etc/fstab: /swap.img none swap sw 0 0", BASELINE, ("swap",)),
    Fault("HOST-05", "w1", lambda host: replace(host, cgroup=Cgroup(1, frozenset())), "error", "cgroup v1", reads=("cgroup", "system")),
    Fault("HOST-05", "w1", within("cgroup", controllers=frozenset({"cpu", "cpuset", "pids"})), "error", "cgroup v2 without memory"),
    Fault("HOST-06", "w1", within("modules", presence={"overlay": Presence.WORKS, "br_netfilter": Presence.MISSING}), "error", f"kernel {KERNEL} has no br_netfilter", reads=("modules", "kernels")),
    Fault("HOST-06", "w1", within("kernels", persisted=frozenset()), "warning", "not loaded at boot: br_netfilter, overlay", BASELINE),
    Fault("HOST-07", "w1", sysctl("net.ipv4.ip_forward", "0"), "warning", "net.ipv4.ip_forward is 0", BASELINE, ("sysctls",)),
    Fault("HOST-07", "w1", within("sysctls", assignments=(Assignment("/etc/sysctl.d/99-z.conf", "net.ipv4.ip_forward", "0"),)), "warning", "/etc/sysctl.d/99-z.conf sets net.ipv4.ip_forward to 0", BASELINE),
    Fault("HOST-08", "w1", sysctl("fs.inotify.max_user_instances", "128"), "warning", "max_user_instances 128, max_user_watches 524288", BASELINE, ("sysctls",)),
    Fault("HOST-09", "w1", lambda host: replace(host, clock=Clock(1_800_000_040.5, True, "chronyd")), "error", "40 s off the other hosts", reads=("clock",)),
    Fault("HOST-09", "w1", lambda host: replace(host, clock=Clock(1_799_999_995.5, True, "chronyd")), "warning", "4 s off the other hosts"),
    Fault("HOST-09", "w1", within("clock", synchronised=None, keeper=None), "warning", "nothing keeps the clock", "apply installs chrony"),
    Fault("HOST-10", "w1", twin(hostname="debian"), "warning", "debian", BASELINE, ("system", "names")),
    Fault("HOST-10", "w1", twin(hostname="cp1"), "warning", "cp1, as cp1 too", BASELINE),
    Fault("HOST-10", "w1", within("names", own=("127.0.1.1",)), "warning", "w1 leads to 127.0.1.1", BASELINE),
    Fault("HOST-11", "w1", twin(machine_id=CP1_ID), "error", f"machine-id {CP1_ID} is that of cp1 too", reads=("system", "network")),
    Fault("HOST-11", "w1", linked(mac="52:54:00:00:00:03"), "error", "MAC 52:54:00:00:00:03 is that of cp1 too" ),
    Fault("HOST-11", "w1", twin(product_uuid=CP1_UUID), "warning", f"product_uuid {CP1_UUID} is that of cp1 too" ),
    Fault("HOST-11", "w1", twin(machine_id=""), "error", "machine-id missing"),
    Fault("HOST-12", "cp1", lent, "error", "192.168.1.10 on eth0, lent by DHCP", reads=("network",)),
    Fault("HOST-12", "w1", lent, "warning", "192.168.1.11 on eth0, lent by DHCP"),
    Fault("HOST-12", "w1", readdressed, "error", "not on this host, which has 192.168.1.77"),
    Fault("HOST-13", "w1", within("names", servers={"/etc/resolv.conf": ("127.0.0.53",)}), "error", "/etc/resolv.conf names 127.0.0.53", reads=("names",)),
    Fault("HOST-13", "w1", within("names", servers={}), "error", "/etc/resolv.conf is not there"),
    Fault("HOST-14", "w1", lambda host: replace(host, reach=Reach({"https://dl.k8s.io/": 0})), "error", "no answer from https://dl.k8s.io/"),
    Fault("HOST-14", "w1", lambda host: replace(host, reach=Reach({"https://dl.k8s.io/": 302}, "http://proxy:3128", ("10.42.0.0/16", ".svc", "cluster.local"))), "warning", "the proxy http://proxy:3128 would be asked for 10.43.0.0/16"),
    Fault("HOST-15", "w1", routed, "error", "the route 10.42.7.0/24 by wg0 overlaps pod_cidr 10.42.0.0/16", reads=("network",)),
    Fault("HOST-15", "w1", within("names", servers={"/etc/resolv.conf": ("10.43.0.10",)}), "error", "the name server 10.43.0.10 lies in service_cidr 10.43.0.0/16", reads=("names",)),
    Fault("HOST-16", "w1", lambda host: replace(host, listeners=(Listener("tcp", "*", 10250, "nginx", 81),)), "error", "taken: 10250 by nginx (pid 81)", reads=("listeners",)),
    Fault("HOST-17", "w1", within("firewall", ufw=True), "warning", "ufw is on", "its rules are not read; --active tries the ports", ("firewall",)),
    Fault("HOST-17", "w1", within("firewall", dropping=("type filter hook input priority filter; policy drop;",)), "warning", "drops by default: type filter hook input priority filter; policy drop;"),
    Fault("HOST-18", "w1", lambda host: replace(host, active=True, mesh={"cp1": {"tcp": True, "udp": False}, "g1": {"tcp": True, "udp": True}} ), "error", "does not reach cp1 (udp)"),
    Fault("HOST-19", "w1", linked(mtu=1450), "warning", "1450", reads=("network",)),
    Fault("HOST-19", "w1", lambda host: replace(host, active=True, mesh={"g1": {"mtu": False}}), "warning", "1500, which the path to g1 does not carry"),
    Fault("HOST-20", "w1", linked(wifi=True), "warning", "eth0 is Wi-Fi", reads=("network",)),
    Fault("HOST-20", "cp1", linked(wifi=True), "error", "eth0 is Wi-Fi"),
    Fault("HOST-21", "w1", within("firewall", iptables=(1, 8, 2)), "warning", "iptables 1.8.2 (nf_tables)", reads=("firewall",)),
    Fault("HOST-21", "w1", within("firewall", legacy_rules=4), "warning", "iptables 1.8.9 (nf_tables), and 4 legacy rules"),
    Fault("HOST-22", "w1", within("packages", busy=(("737", "unattended-upgr"),)), "error", "unattended-upgr at work (pid 737)", reads=("packages",)),
    Fault("HOST-22", "w1", within("packages", broken=("linux-image-amd64",)), "error", "half installed: linux-image-amd64"),
    Fault("HOST-23", "w1", within("packages", packages={"containerd.io": "2.1.0-1"}), "warning", "not held: containerd.io", BASELINE, ("packages",)),
    Fault("HOST-23", "w1", within("packages", packages={"libnvidia-compute-595": "595.91.07"}), "warning", "not held: libnvidia-compute-595"),
    Fault("HOST-24", "w1", within("kernels", reboot="linux-image-6.12.12-amd64"), "warning", "a reboot is asked for by linux-image-6.12.12-amd64", reads=("kernels",)),
    Fault("HOST-24", "w1", within("kernels", installed={KERNEL: True, "6.12.12-amd64": False}), "warning", f"kernel {KERNEL} runs, 6.12.12-amd64 is installed"),
    Fault("HOST-25", "w1", disk(free_kib=10 * 1024 * 1024, size_kib=40 * 1024 * 1024), "error", "10 GiB free on / for images", reads=("disks",)),
    Fault("HOST-25", "w1", disk(free_kib=20 * 1024 * 1024), "error", "/ is 90 % full"),
    Fault("HOST-25", "w1", disk(inodes_used=99), "error", "/ has used 99 % of its inodes"),
    Fault("VOL-01", "w1", no_disk_of_its_own, "warning", "/data/volumes in /, 150 GiB free: the root disk", reads=("disks",)),
    Fault("HOST-26", "cp1", lambda host: replace(host, active=True, fsync=(1.0,) * 90 + (80.0,) * 10), "error", "p99 80.0 ms of 100 syncs"),
    Fault("HOST-26", "cp1", lambda host: replace(host, active=True, fsync=(1.0,) * 90 + (20.0,) * 10), "warning", "p99 20.0 ms of 100 syncs"),
    Fault("HOST-27", "w1", within("remains", identity={"name": "other"}), "error", "a host of the cluster other", reads=("remains",)),
    Fault("HOST-27", "w1", within("remains", places=("/var/lib/etcd", "/etc/cni/net.d"), links=("cni0",)), "error", "/var/lib/etcd, interface cni0"),
    Fault("HOST-27", "w1", within("remains", places=("/etc/cni/net.d",)), "warning", "/etc/cni/net.d"),
    Fault("HOST-27", "w1", within("remains", identity={}), "error", "an identity file that names no cluster"),
    Fault("HOST-28", "w1", within("security", apparmor_parser=False), "warning", "AppArmor is on, apparmor_parser is missing", reads=("security",)),
    Fault("RT-01", "w1", containerd(answers=False), "warning", "containerd 2.3.7 does not answer", CONTAINERD, ("runtime",)),
    Fault("RT-01", "w1", containerd(disabled_plugins=["cri"]), "warning", "containerd 2.3.7 with cri disabled", CONTAINERD),
    Fault("RT-03", "w1", containerd(version=1), "warning", "version 1", CONTAINERD, ("runtime",)),
    Fault("RT-03", "w1", containerd(version=3, plugins=V1_PLUGIN), "warning", "version 3 with settings under io.containerd.grpc.v1.cri", CONTAINERD),
    Fault("RT-06", "g1", containerd(version=3, plugins={"io.containerd.cri.v1.runtime": {"enable_cdi": False}}), "warning", "off in containerd 2.3.7", CONTAINERD, ("runtime",)),
    Fault("RT-07", "w1", containerd((1, 7, 24)), "warning", "1.7.24", CONTAINERD, ("runtime",)),
    Fault("K8S-02", "w1", within("remains", versions={"kubelet": "v1.37.0"}), "error", "kubelet v1.37.0", "a control plane is never older than its kubelets", ("remains",)),
    Fault("K8S-02", "w1", within("remains", versions={"kubelet": "v1.32.1"}), "error", "kubelet v1.32.1"),
    Fault("GPU-01", "g1", no_cards, "error", "no GPU; not counted: ASPEED (management controller)", reads=("pci",)),
    Fault("GPU-01", "g1", lambda host: replace(host, pci=Bus(True, host.pci.devices[:-1])), "error", "1x intel A770; not counted: integrated graphics"),  # type: ignore[union-attr]
    Fault("GPU-01", "w1", hopper, "warning", "1x nvidia H100"),
    Fault("GPU-02", "g1", card(driver="vfio-pci"), "error", "0000:03:00.0 A770 is bound to vfio-pci", reads=("pci",)),
    Fault("GPU-02", "g1", card(driver=None), "error", "0000:03:00.0 A770 is bound to no driver"),
    Fault("GPU-03", "g1", card(nodes={"card1": True, "renderD129": False}), "error", "0000:03:00.0 A770 has no /dev/dri/renderD node", reads=("pci", "gpu_state")),
    Fault("GPU-05", "g1", card(largest_bar=256 * 1024**2), "error", "0000:03:00.0 A770 256 MiB", "xe's user space drops such a card", ("pci",)),
    Fault("GPU-05", "g1", card(largest_bar=256 * 1024**2, driver="i915"), "warning", "0000:03:00.0 A770 256 MiB", "i915 uses it, only slower"),
    Fault("GPU-06", "w1", after(hopper, within("gpu_state", secure_boot=True, loaded={})), "error", "on, and nvidia was built here by DKMS and is not loaded"),
    Fault("GPU-06", "g1", within("gpu_state", log=("xe: Key was rejected by service",)), "error", "the kernel rejected a module's key", reads=("gpu_state",)),
    Fault("GPU-07", "g1", within("kernels", installed={KERNEL: True, "6.12.12-amd64": False}), "error", "kernel 6.12.12-amd64 has no module i915 or xe, and no headers to build it with", reads=("kernels", "gpu_state", "pci", "modules")),
    Fault("GPU-09", "g1", within("gpu_state", users=(("812", "/dev/dri/renderD128", "ollama"),)), "warning", "used by ollama (pid 812)", reads=("gpu_state",)),
    Fault("GPU-11", "g1", card(way=hops("8086", width=1)), "warning", X1, reads=("pci",)),
    Fault("GPU-11", "g1", card(way=()), "warning", "the link of 0000:03:00.0 could not be read"),
    Fault("GPU-12", "g1", grouped, "warning", "translating (on by the kernel's default) for 2 GPUs", reads=("pci", "system")),
    Fault("GPU-13", "g1", linked(numa=1), "info", "GPUs on 0, eth0 on 1", reads=("network", "pci")),
    Fault("INT-01", "g1", card(driver="i915"), "warning", "1x i915, 1x xe", reads=("pci",)),
    Fault("INT-02", "g1", within("system", kernel="5.15.0-91-generic"), "error", "kernel 5.15 for A770", reads=("system", "pci")),
    Fault("INT-02", "g1", within("gpu_state", log=("xe 0000:03:00.0: GuC firmware i915/dg2_guc_70.bin: failed with error -2",)), "error", "kernel 6.12; xe 0000:03:00.0: GuC firmware i915/dg2_guc_70.bin: failed with error -2"),
    Fault("AMD-01", "w1", after(instinct, within("gpu_state", kfd=0)), "error", "/dev/kfd with 0 GPUs"),
    Fault("AMD-01", "w1", after(instinct, within("gpu_state", nodes=frozenset())), "error", "no /dev/kfd"),
    Fault("AMD-02", "w1", after(instinct, within("gpu_state", blacklisted=frozenset({"amdgpu"}))), "error", "amdgpu is blacklisted"),
    Fault("AMD-04", "w1", after(instinct, sysctl("kernel.numa_balancing", "1")), "info", "1"),
    Fault("NV-01", "w1", after(hopper, within("gpu_state", libraries={"libnvidia-compute-595": "595.99.01-0ubuntu1"})), "error", "loaded 595.91.07, on disk 595.91.07, libraries 595.99.01"),
    Fault("NV-01", "w1", after(hopper, within("gpu_state", loaded={})), "error", "the nvidia module is not loaded"),
    Fault("NV-06", "w1", hgx(state="inactive", version=""), "error", "4 NVSwitches, no Fabric Manager"),
    Fault("NV-06", "w1", hgx(state="failed"), "error", "4 NVSwitches, Fabric Manager 595.91.07 is failed"),
    Fault("NV-06", "w1", hgx(state=""), "error", "4 NVSwitches, Fabric Manager 595.91.07 is no service"),
    Fault("NV-06", "w1", hgx(version="580.95.05"), "error", "4 NVSwitches, Fabric Manager 580.95.05 and nvidia 595.91.07"),
    Fault("NV-06", "w1", after(hgx(), within("gpu_state", loaded={})), "error", "4 NVSwitches, Fabric Manager 595.91.07 and no nvidia module"),
    Fault("NV-04", "w1", after(hopper, within("gpu_state", log=(LOST, LOST, CRASHED))), "error", "Xid 79 of 0000:1b:00: fell off the bus"),
)
