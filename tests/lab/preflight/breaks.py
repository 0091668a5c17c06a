"""Ways to break a bare host, what preflight says of each, and how it is mended: the table of the lab's tests."""
# ruff: noqa: E501 - a table, and shell that is not wrapped

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Break:
    """`found` is a regular expression for the whole of what the check says it found on `host`.

    `also` are other hosts that rightly fail with it. What belongs to the machine that all lab hosts share
    (swap, inotify, modules, AppArmor, the clock) is covered up in the host's own mount namespace, or by a
    program of that name; everything else is really broken.
    """

    check: str
    make: str
    found: str
    mend: str
    host: str = "n2"
    also: frozenset[str] = field(default=frozenset())


def program(name: str, body: str) -> str:
    """Put a program before the real one of that name."""
    return f"printf '%s\\n' '#!/bin/sh' '{body}' > /usr/local/bin/{name}; chmod 755 /usr/local/bin/{name}"


def covered(path: str, content: str) -> str:
    """Lay a file over another one."""
    return f"printf '{content}' > /run/cover-{path.rpartition('/')[2]}; mount --bind /run/cover-{path.rpartition('/')[2]} {path}"


ETH0 = "/sys/devices/virtual/net/eth0"
SERVE = 'import socket,time; s=socket.socket(); s.bind(("",10250)); s.listen(); time.sleep(600)'

# all at once, on n2 if nothing else is said
TOGETHER = (
    Break("HOST-02", "sed -i.kept s/^ID=debian/ID=nixos/ /etc/os-release", r"Debian GNU/Linux 12 \(bookworm\) x86_64, \d+ CPUs, \d+ MiB", "cp -p /etc/os-release.kept /etc/os-release"),
    Break("HOST-03", covered("/proc/swaps", r"Filename\tType\tSize\tUsed\tPriority\n/dev/sdz1 partition 1 0 -2\n"), "swap on /dev/sdz1", "umount /proc/swaps"),
    Break("HOST-06", "mkdir -p /run/empty; mount --bind /run/empty /proc/sys/net/bridge", r"kernel \S+ has no br_netfilter", "umount /proc/sys/net/bridge"),
    Break("HOST-08", covered("/proc/sys/fs/inotify/max_user_instances", r"128\n"), "max_user_instances 128, max_user_watches 524288", "umount /proc/sys/fs/inotify/max_user_instances"),
    Break("HOST-09", program("date", 'exec /usr/bin/date -d "+40 seconds" "$@"'), r"(3\d|40) s off the other hosts", "rm /usr/local/bin/date"),
    Break("HOST-12", "ip address change {address}/24 dev eth0 valid_lft 3600 preferred_lft 3600", "{address} on eth0, lent by DHCP", "ip address change {address}/24 dev eth0 valid_lft forever preferred_lft forever"),
    Break("HOST-13", "cat /etc/resolv.conf > /run/resolv.kept; echo nameserver 127.0.0.53 > /etc/resolv.conf", "/etc/resolv.conf names 127.0.0.53", "cat /run/resolv.kept > /etc/resolv.conf"),
    Break("HOST-14", program("curl", 'printf "url 000 %s\\n" "$(for u; do :; done; echo "$u")"'), "no answer from {mirror}/, {mirror}/v2/", "rm /usr/local/bin/curl"),
    Break("HOST-15", "ip route add 10.42.7.0/24 dev eth0", "the route 10.42.7.0/24 by eth0 overlaps pod_cidr 10.42.0.0/16", "ip route del 10.42.7.0/24"),
    Break("HOST-16", f"systemd-run -q --unit=squatter python3 -c '{SERVE}'; until ss -Hltn | grep -q :10250; do sleep 0.1; done", r"taken: 10250 by python3 \(pid \d+\)", "systemctl stop squatter"),
    Break("HOST-17", "nft add table inet wall; nft add chain inet wall in '{{ type filter hook input priority 0; policy accept; }}'; nft add rule inet wall in accept; nft chain inet wall in '{{ policy drop; }}'", "drops by default: type filter hook input priority filter; policy drop;", "nft delete table inet wall"),
    Break("HOST-19", "ip link set eth0 mtu 1400", "1400", "ip link set eth0 mtu 1500"),
    Break("HOST-20", f"mkdir -p /run/radio/wireless; mount -t overlay overlay -o lowerdir=/run/radio:{ETH0} {ETH0}", "eth0 is Wi-Fi", f"umount {ETH0}"),
    Break("HOST-21", program("iptables", 'echo "iptables v1.8.2 (nf_tables)"'), r"iptables 1.8.2 \(nf_tables\)", "rm /usr/local/bin/iptables"),
    Break("HOST-22", "cp /bin/sleep /run/apt-get; systemd-run -q --unit=upgrade /run/apt-get 600; until pidof /run/apt-get apt-get; do sleep 0.1; done", r"apt-get at work \(pid \d+\)", "systemctl stop upgrade"),
    Break("HOST-24", "echo linux-image-amd64 > /run/reboot-required.pkgs; touch /run/reboot-required", "a reboot is asked for by linux-image-amd64", "rm /run/reboot-required /run/reboot-required.pkgs"),
    Break("HOST-25", "mount -t tmpfs -o size=2M small /var/lib/kubelet; head -c 1900K /dev/zero > /var/lib/kubelet/fill", "/var/lib/kubelet is 9[0-9] % full", "umount /var/lib/kubelet"),
    Break("HOST-27", "mkdir -p /etc/kubernetes/manifests; touch /etc/kubernetes/manifests/kube-apiserver.yaml; ip link add cni0 type bridge", "/etc/kubernetes/manifests, interface cni0", "rm -r /etc/kubernetes; ip link del cni0"),
    Break("HOST-28", "mkdir -p /run/armor/apparmor/parameters; echo Y > /run/armor/apparmor/parameters/enabled; mount -t overlay overlay -o lowerdir=/run/armor:/sys/module /sys/module", "AppArmor is on, apparmor_parser is missing", "umount /sys/module"),
    Break("RT-01", program("containerd", "echo containerd github.com/containerd/containerd v2.3.7 0"), "containerd 2.3.7 is not running", "rm /usr/local/bin/containerd"),
    Break("RT-03", "mkdir -p /etc/containerd; echo 'oom_score = 0' > /etc/containerd/config.toml", "version 1", "rm -r /etc/containerd"),
    Break("K8S-02", program("kubelet", "echo Kubernetes v1.99.0"), "kubelet v1.99.0", "rm /usr/local/bin/kubelet"),
)  # fmt: skip

PACKAGE = """set -e; d=$(mktemp -d); mkdir -p "$d/DEBIAN"
printf 'Package: {name}\\nVersion: {version}\\nArchitecture: all\\nMaintainer: nobody\\nDescription: none\\n' > "$d/DEBIAN/control"
dpkg-deb --build "$d" /run/{name}.deb >/dev/null; rm -r "$d"; dpkg {how} /run/{name}.deb >/dev/null 2>&1"""


def package(name: str, version: str = "1.0", how: str = "--install") -> str:
    """Install an empty package, or only unpack it."""
    return PACKAGE.replace("{name}", name).replace("{version}", version).replace("{how}", how)


# each is mended by `--fix`; `mend` removes what the fix rightly left
FIXED = (
    Break("HOST-04", "echo '/swap.img none swap sw 0 0' >> /etc/fstab", "turned on at boot by /etc/fstab: /swap.img none swap sw 0 0", "sed -i /swap.img/d /etc/fstab"),
    Break("HOST-07", "sysctl -qw net.ipv4.ip_forward=0", "net.ipv4.ip_forward is 0", "sysctl -qw net.ipv4.ip_forward=1"),
    Break("HOST-10", "hostname elsewhere", "elsewhere", "hostname n2"),
    Break("HOST-11", "cp -p /etc/machine-id /run/machine-id.kept; echo {twin} > /etc/machine-id", "machine-id {twin} is that of n1 too", "cp -p /run/machine-id.kept /etc/machine-id", also=frozenset({"n1"})),
    Break("HOST-22", package("half", how="--unpack"), "half installed: half", "dpkg --purge half >/dev/null"),
    Break("HOST-23", package("containerd.io", "2.1.0"), "not held: containerd.io", "apt-mark unhold containerd.io >/dev/null; dpkg --purge --force-all containerd.io >/dev/null 2>&1"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Face:
    """A simulated piece of hardware on n2, which declares two A770, and what a check says of it."""

    profile: str
    check: str
    found: str
    make: str = ":"
    mend: str = ":"


FACES = (
    Face("a770-missing", "GPU-01", r"1x intel A770; not counted: integrated graphics \(simulated\)"),
    Face("bmc-only", "GPU-01", r"no GPU; not counted: ASPEED \(management controller\) \(simulated\)"),
    Face("one-b580", "GPU-01", r"1x intel B580 \(simulated\)"),
    Face("a770-vfio", "GPU-02", r"0000:4b:00.0 A770 is bound to vfio-pci"),
    Face("a770-no-driver", "GPU-02", r"0000:4b:00.0 A770 is bound to no driver"),
    Face("a770-no-node", "GPU-03", r"0000:4b:00.0 A770 has no /dev/dri/renderD node"),
    Face("a770-small-bar", "GPU-05", r"0000:4b:00.0 A770 256 MiB"),
    Face("a770-x1", "GPU-11", r"0000:4b:00.0 A770 x1 at 16 GT/s of x16 at 16"),
    Face("a770-mixed", "INT-01", r"1x xe, 1x i915"),
    Face("two-a770", "INT-02", r"kernel 5.15 for A770", program("uname", 'case $1 in -r) echo 5.15.0-91-generic ;; *) exec /usr/bin/uname "$@" ;; esac'), "rm /usr/local/bin/uname"),
    Face("two-a770", "RT-06", r"off in containerd 2.3.7", program("containerd", "echo containerd github.com/containerd/containerd v2.3.7 0") + "; mkdir -p /etc/containerd; printf '%s\\n' 'version = 3' '[plugins.\"io.containerd.cri.v1.runtime\"]' 'enable_cdi = false' > /etc/containerd/config.toml", "rm -r /etc/containerd /usr/local/bin/containerd"),
    Face("h100-iommu", "GPU-12", r"translating \(on by the kernel's default\) for 8 GPUs"),
    Face("eight-h100", "NV-01", r"loaded 595.91.07, libraries 595.99.01", package("libnvidia-compute-595", "595.99.01-1"), "dpkg --purge libnvidia-compute-595 >/dev/null"),
    Face("eight-h100", "HOST-23", r"not held: libnvidia-compute-595", package("libnvidia-compute-595", "595.91.07-1"), "dpkg --purge libnvidia-compute-595 >/dev/null"),
    Face("mi300x-no-kfd", "AMD-01", r"no /dev/kfd"),
    Face("eight-mi300x", "AMD-02", r"amdgpu is blacklisted", "echo blacklist amdgpu > /etc/modprobe.d/operator.conf", "rm /etc/modprobe.d/operator.conf"),
    Face("eight-mi300x", "AMD-04", "1", covered("/proc/sys/kernel/numa_balancing", r"1\n"), "umount /proc/sys/kernel/numa_balancing"),
)  # fmt: skip
