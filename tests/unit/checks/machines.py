"""Observed hosts to begin a test with: all is well with each of them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from checks.collect.observed import Observed, Window
from checks.collect.sections import MODULES
from deploy.model import Cluster
from deploy.observe.cgroup import Cgroup
from deploy.observe.clock import Clock
from deploy.observe.confinement import Confinement
from deploy.observe.disks import Block, Disk, Disks
from deploy.observe.firewall import Firewall
from deploy.observe.gpu_state import GpuState, Module
from deploy.observe.kernels import Kernels
from deploy.observe.listeners import Listener
from deploy.observe.modules import Modules, Presence
from deploy.observe.names import Names
from deploy.observe.network import Address, Link, Network, Route
from deploy.observe.package_state import PackageState
from deploy.observe.pci import Bus, Device, Hop
from deploy.observe.reach import Reach
from deploy.observe.remains import Remains
from deploy.observe.runtime import Runtime
from deploy.observe.security import Security
from deploy.observe.swap import Swap
from deploy.observe.sysctl import Parameter, Sysctls
from deploy.observe.system import System

KERNEL = "6.12.9-amd64"
GIB = 1024**3


def cluster(**changes: object) -> Cluster:
    """A control plane and two workers, one of them with two A770."""
    inventory: dict[str, object] = {
        "name": "home",
        "nodes": [
            {"name": "cp1", "address": "192.168.1.10", "roles": ["control-plane"]},
            {"name": "w1", "address": "192.168.1.11", "roles": ["worker"]},
            {
                "name": "g1",
                "address": "192.168.1.12",
                "roles": ["worker"],
                "gpus": {"vendor": "intel", "model": "A770", "count": 2},
            },
        ],
        "load_balancer": {"pool": ["192.168.1.240-192.168.1.250"]},
        "storage": {"path": "/data/volumes"},
    }
    return Cluster.model_validate({**inventory, **changes})


def healthy(name: str = "w1", address: str = "192.168.1.11", number: int = 1) -> Observed:
    """A Debian host of today on a wired network."""
    # longer than a function is here: it is one value, read beside `Observed`
    disk = Disk("/", 200 * 1024 * 1024, 150 * 1024 * 1024, 3, "/", "/dev/nvme0n1p2")
    data = Disk("/data/volumes", 900 * 1024 * 1024, 800 * 1024 * 1024, 1, "/data", "/dev/sdb1")
    mac = f"52:54:00:00:00:0{number}"
    return Observed(
        host=name,
        window=Window(1_800_000_000.0, 1_800_000_001.0),
        system=System(
            uid=0,
            kernel=KERNEL,
            arch="x86_64",
            hostname=name,
            init="systemd",
            cmdline="quiet",
            machine_id=f"{number:032x}",
            product_uuid=f"4c4c4544-004a-3510-8043-cac04f56353{number}",
            os="debian",
            os_version="12",
            os_name="Debian GNU/Linux 12 (bookworm)",
            cpus=8,
            memory_kib=32 * 1024 * 1024,
        ),
        clock=Clock(1_800_000_000.5, synchronised=True, keeper="chronyd"),
        swap=Swap((), "", {}, None),
        sysctls=Sysctls(
            {
                key: Parameter(value, writable=True)
                for key, value in {
                    "net.ipv4.ip_forward": "1",
                    "net.bridge.bridge-nf-call-iptables": "1",
                    "fs.inotify.max_user_instances": "8192",
                    "fs.inotify.max_user_watches": "524288",
                    "kernel.numa_balancing": "0",
                }.items()
            },
            (),
        ),
        cgroup=Cgroup(2, frozenset({"cpuset", "cpu", "io", "memory", "pids"})),
        confinement=Confinement(None, None, None, may_raise_limits=True),
        modules=Modules(
            KERNEL,
            monolithic=False,
            presence=dict.fromkeys(MODULES, Presence.LOADABLE)
            | dict.fromkeys(("overlay", "br_netfilter", "nf_conntrack", "vxlan"), Presence.WORKS),
        ),
        kernels=Kernels(KERNEL, {KERNEL: True}, None, frozenset({"overlay", "br_netfilter"})),
        network=Network(
            links=(Link("eth0", 1500, mac, wifi=False, numa=0), Link("lo", 65536, "", wifi=False, numa=None)),
            addresses=(
                Address("lo", IPv4Interface("127.0.0.1/8"), dynamic=False),
                Address("eth0", IPv4Interface(f"{address}/24"), dynamic=False),
            ),
            routes=(
                Route(IPv4Network("0.0.0.0/0"), "eth0", IPv4Address("192.168.1.1")),
                Route(IPv4Network("192.168.1.0/24"), "eth0", None),
            ),
            neighbours=((IPv4Address("192.168.1.1"), "aa:bb:cc:00:00:01"),),
        ),
        names=Names((address,), {"/etc/resolv.conf": ("192.168.1.1",)}),
        listeners=(Listener("tcp", "192.168.1.1", 22, "sshd", 700),),
        disks=Disks((disk, data), (Block("nvme0n1", 500 * GIB, rotational=False),)),
        firewall=Firewall(None, None, (), (1, 8, 9), "nf_tables", 0),
        packages=PackageState("apt", (), (), {}, (), ()),
        security=Security(apparmor=True, apparmor_parser=True, enforcing=False, k3s_policy=False),
        remains=Remains((), (), (), None, {}),
        runtime=Runtime(None, None, None, broken_config=False, k3s_files={}, cdi={}),
        pci=Bus(present=True, devices=()),
        gpu_state=GPULESS,
        reach=Reach({"https://dl.k8s.io/": 302}),
    )


GPULESS = GpuState(False, {}, (), frozenset(), None, (), (), frozenset(), None, {}, ())


def hops(vendor: str, width: int = 16, speed: float = 16.0) -> tuple[Hop, ...]:
    """The way of a card with a switch of its own: only its upstream port tells the truth."""
    return (
        Hop("0000:03:00.0", vendor, 1, 1, 2.5, 2.5),
        Hop("0000:02:01.0", vendor, 1, 1, 2.5, 2.5),
        Hop("0000:01:00.0", vendor, width, 16, speed, speed),
        Hop("0000:00:01.0", "8086", width, 16, speed, speed),
    )


def device(
    slot: str, vendor: str, identity: str, driver: str | None, *, bar: int, pci_class: str = "030000"
) -> Device:
    """A card in a slot of its own."""
    node = f"renderD{128 + int(slot[5:7], 16)}"
    return Device(
        slot=slot,
        pci_class=pci_class,
        vendor=vendor,
        device=identity,
        driver=driver,
        numa=0,
        boot_vga=False,
        iommu_group=None,
        largest_bar=bar,
        nodes={node: True},
        way=hops(vendor),
    )


def with_arcs(name: str = "g1", address: str = "192.168.1.12", number: int = 2) -> Observed:
    """A host with two A770, as declared, and a processor with graphics of its own."""
    from dataclasses import replace

    arcs = tuple(device(f"0000:0{slot}:00.0", "8086", "56a0", "xe", bar=16 * GIB) for slot in (3, 7))
    own = device("0000:00:02.0", "8086", "a780", "i915", bar=256 * 1024**2)
    return replace(
        healthy(name, address, number),
        pci=Bus(present=True, devices=(own, *arcs)),
        gpu_state=replace(
            GPULESS,
            present=True,
            loaded={"xe": "", "i915": ""},
            modules=(
                Module(KERNEL, "xe", dkms=False, version=""),
                Module(KERNEL, "i915", dkms=False, version=""),
            ),
            secure_boot=False,
            nodes=frozenset({"renderD128", "renderD131", "renderD135"}),
        ),
    )


def everyone() -> tuple[Observed, Observed, Observed]:
    """The three hosts of `cluster()`, all well."""
    return healthy("cp1", "192.168.1.10", 3), healthy(), with_arcs()
