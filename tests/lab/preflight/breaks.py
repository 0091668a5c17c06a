"""Ways to break a bare host, what preflight says of each, and how it is mended: the table of the lab's tests."""
# ruff: noqa: E501 - a table, and shell that is not wrapped

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Break:
    """`found` is a regular expression for the whole of what the check says it found on `host`.

    `also` are other hosts that rightly fail with it. What belongs to the machine that all lab hosts share
    (swap, inotify, modules, cgroups, AppArmor, the clock) is covered up in the host's own mount namespace, or
    by a program of that name; everything else is really broken. {address}, {mirror} and {twin}, the machine-id
    of n1, are filled in.
    """

    check: str
    make: str
    found: str
    mend: str
    host: str = "n2"
    also: frozenset[str] = field(default=frozenset())


def program(name: str, body: str) -> str:
    """Put a program before the real one of that name."""
    path = f"/usr/local/bin/{name}"
    return f"printf '%s\\n' '#!/bin/sh' {shlex.quote(body)} > {path}; chmod 755 {path}"


def covered(path: str, content: str) -> str:
    """Lay a file over another one."""
    cover = f"/run/cover-{path.rpartition('/')[2]}"
    return f"printf '{content}' > {cover}; mount --bind {cover} {path}"


def overlaid(path: str, files: dict[str, str]) -> str:
    """Lay files into a directory of /sys; without content they are directories."""
    top = f"/run/over-{path.rpartition('/')[2]}"
    lines = []
    for name, text in files.items():
        parent = f"{top}/{name}".rpartition("/")[0] if text else f"{top}/{name}"
        lines += [f"mkdir -p {parent}", *([f"echo {text} > {top}/{name}"] if text else [])]
    return "; ".join([*lines, f"mount -t overlay overlay -o lowerdir={top}:{path} {path}"])


def made(breaks: Iterable[tuple[str, str]]) -> str:
    """Return one script that does all (name, script) of a host; the first that fails ends it and is named."""
    return "\n".join(
        f"sh -ec {shlex.quote(script)} || {{ echo cannot break {name} >&2; exit 1; }}"
        for name, script in breaks
    )


def mended(scripts: Iterable[str]) -> str:
    """Return one script that mends all it can, the last break first."""
    return "\n".join(f"sh -c {shlex.quote(script)}" for script in reversed(list(scripts)))


ETH0 = "/sys/devices/virtual/net/eth0"
SERVE = 'import socket,time; s=socket.socket(); s.bind(("",10250)); s.listen(); time.sleep(600)'
WALL = (
    "table inet wall {{ chain incoming {{ type filter hook input priority 0; policy {policy}; {rule}; }}; }}"
)
NO_SWAP, SWAPPED = r"Filename\tType\tSize\tUsed\tPriority\n", r"/dev/sdz1 partition 1 0 -2\n"
CONTAINERD = program("containerd", "echo containerd github.com/containerd/containerd v1.7.24 0")


def wall(rule: str, policy: str = "accept") -> str:
    """Put up a packet filter in one go, so that nothing is cut off in between."""
    return f"echo '{WALL.format(rule=rule, policy=policy)}' | nft -f -"


NO_WALL = "nft delete table inet wall"


def waiting(test: str) -> str:
    """Wait until something holds, two minutes at most."""
    return f"timeout 120 sh -c {shlex.quote(f'until {test}; do sleep 0.1; done')}"


# all at once, on n2 if nothing else is said
TOGETHER = (
    Break("HOST-02", "sed -i.kept s/^ID=debian/ID=nixos/ /etc/os-release", r"Debian GNU/Linux 12 \(bookworm\) x86_64, \d+ CPUs, \d+ MiB", "cp -p /etc/os-release.kept /etc/os-release"),
    Break("HOST-03", covered("/proc/swaps", NO_SWAP + SWAPPED), "swap on /dev/sdz1", "umount /proc/swaps"),
    Break("HOST-06", "mkdir -p /run/empty; mount --bind /run/empty /proc/sys/net/bridge", r"kernel \S+ has no br_netfilter", "umount /proc/sys/net/bridge"),
    Break("HOST-09", program("date", 'exec /usr/bin/date -d "+40 seconds" "$@"'), r"([1-3]\d|40) s off the other hosts", "rm /usr/local/bin/date"),
    Break("HOST-12", "ip address change {address}/24 dev eth0 valid_lft 3600 preferred_lft 3600", "{address} on eth0, lent by DHCP", "ip address change {address}/24 dev eth0 valid_lft forever preferred_lft forever"),
    Break("HOST-13", "cat /etc/resolv.conf > /run/resolv.kept; echo nameserver 127.0.0.53 > /etc/resolv.conf", "/etc/resolv.conf names 127.0.0.53", "cat /run/resolv.kept > /etc/resolv.conf"),
    Break("HOST-14", program("curl", 'for u; do :; done; printf "url 000 %s\\n" "$u"'), "no answer from {mirror}/, {mirror}/v2/", "rm /usr/local/bin/curl"),
    Break("HOST-15", "ip route add 10.42.7.0/24 dev eth0", "the route 10.42.7.0/24 by eth0 overlaps pod_cidr 10.42.0.0/16", "ip route del 10.42.7.0/24"),
    Break("HOST-16", f"systemd-run -q --collect --unit=squatter python3 -c '{SERVE}'; {waiting('ss -Hltn | grep -q :10250')}", r"taken: 10250 by python3[.\d]* \(pid \d+\)", "systemctl stop squatter"),
    Break("HOST-17", wall("accept", policy="drop"), "drops by default: type filter hook input priority filter; policy drop;", NO_WALL),
    Break("HOST-19", "ip link set eth0 mtu 1400", "1400", "ip link set eth0 mtu 1500"),
    Break("HOST-20", overlaid(ETH0, {"wireless": ""}), "eth0 is Wi-Fi", f"umount {ETH0}"),
    Break("HOST-21", program("iptables", 'echo "iptables v1.8.2 (nf_tables)"'), r"iptables 1.8.2 \(nf_tables\)", "rm /usr/local/bin/iptables"),
    # not in /run, from which nothing can be started
    Break("HOST-22", f"cp /bin/sleep /opt/apt-get; systemd-run -q --collect --unit=upgrade /opt/apt-get 600; {waiting('grep -qx apt-get /proc/[0-9]*/comm')}", r"apt-get at work \(pid \d+\)", "systemctl stop upgrade; rm /opt/apt-get"),
    Break("HOST-24", "echo linux-image-amd64 > /run/reboot-required.pkgs; touch /run/reboot-required", "a reboot is asked for by linux-image-amd64", "rm /run/reboot-required /run/reboot-required.pkgs"),
    Break("HOST-25", "mount -t tmpfs -o size=2M small /var/lib/kubelet; head -c 1900K /dev/zero > /var/lib/kubelet/fill", r"(.*, )?/var/lib/kubelet is 9\d % full(, .*)?", "umount /var/lib/kubelet"),
    Break("HOST-27", "mkdir -p /etc/kubernetes/manifests; touch /etc/kubernetes/manifests/kube-apiserver.yaml; ip link add cni0 type bridge", "/etc/kubernetes/manifests, interface cni0", "rm -r /etc/kubernetes; ip link del cni0"),
    Break("HOST-28", overlaid("/sys/module", {"apparmor/parameters/enabled": "Y"}), "AppArmor is on, apparmor_parser is missing", "umount /sys/module"),
    Break("RT-01", CONTAINERD, "containerd 1.7.24 is not running", "rm -f /usr/local/bin/containerd"),
    Break("RT-03", "mkdir -p /etc/containerd; echo 'oom_score = 0' > /etc/containerd/config.toml", "version 1", "rm -r /etc/containerd"),
    Break("RT-07", CONTAINERD, "1.7.24", "rm -f /usr/local/bin/containerd"),
    Break("K8S-02", program("kubelet", "echo Kubernetes v1.99.0"), "kubelet v1.99.0", "rm /usr/local/bin/kubelet"),
)  # fmt: skip

PACKAGE = """d=$(mktemp -d); mkdir -p "$d/DEBIAN"; chmod 755 "$d" "$d/DEBIAN"
printf 'Package: {name}\\nVersion: {version}\\nArchitecture: all\\nMaintainer: nobody\\nDescription: none\\n' > "$d/DEBIAN/control"
dpkg-deb --build "$d" /run/{name}.deb >/dev/null; rm -r "$d"; dpkg {how} /run/{name}.deb >/dev/null; rm /run/{name}.deb"""


def package(name: str, version: str = "1.0", how: str = "--install") -> str:
    """Install an empty package, or only unpack it."""
    return PACKAGE.replace("{name}", name).replace("{version}", version).replace("{how}", how)


# each is mended by `--fix`; `mend` removes what the fix rightly left
FIXED = (
    Break("HOST-03", f"{covered('/proc/swaps', NO_SWAP + SWAPPED)}; {program('swapoff', 'umount /proc/swaps')}", "swap on /dev/sdz1", "rm /usr/local/bin/swapoff; umount /proc/swaps"),
    Break("HOST-04", "echo '/swap.img none swap sw 0 0' >> /etc/fstab", "turned on at boot by /etc/fstab: /swap.img none swap sw 0 0", "sed -i /swap.img/d /etc/fstab"),
    Break("HOST-07", "sysctl -qw net.ipv4.ip_forward=0", "net.ipv4.ip_forward is 0", "sysctl -qw net.ipv4.ip_forward=1"),
    Break("HOST-08", covered("/proc/sys/fs/inotify/max_user_instances", r"128\n"), r"max_user_instances 128, max_user_watches \d+", "umount /proc/sys/fs/inotify/max_user_instances"),
    Break("HOST-10", "hostname elsewhere", "elsewhere", "hostname n2"),
    Break("HOST-11", "cp -p /etc/machine-id /run/machine-id.kept; echo {twin} > /etc/machine-id", "machine-id {twin} is that of n1 too", "cp -p /run/machine-id.kept /etc/machine-id", also=frozenset({"n1"})),
    Break("HOST-22", package("half", how="--unpack"), "half installed: half", "dpkg --purge half >/dev/null"),
    Break("HOST-23", package("containerd.io", "2.1.0"), "not held: containerd.io", "apt-mark unhold containerd.io >/dev/null; dpkg --purge --force-all containerd.io >/dev/null 2>&1"),
)  # fmt: skip

CGROUPS = "/run/cover-cgroup"
COVER = "/run/systemd/system/ssh.service.d/cover.conf"
# seen by who comes over SSH alone: the host's own systemd, which opens a login's session, goes on with the real one
FEW_CONTROLLERS = f"mkdir -p {CGROUPS} $(dirname {COVER}); echo cpu cpuset pids > {CGROUPS}/cgroup.controllers; printf '[Service]\\nBindPaths={CGROUPS}:/sys/fs/cgroup\\n' > {COVER}; systemctl daemon-reload; systemctl restart ssh"
ALL_CONTROLLERS = f"echo cpu cpuset io memory pids > {CGROUPS}/cgroup.controllers"
NO_COVER = f"rm {COVER}; systemctl daemon-reload; systemctl restart ssh"

# what only k3s looks at
K3S = (
    Break("RT-04", "mkdir -p /var/lib/rancher/k3s/agent/etc/containerd; echo 'version = 2' > /var/lib/rancher/k3s/agent/etc/containerd/config.toml.tmpl", "config.toml.tmpl", "rm -r /var/lib/rancher/k3s"),
    Break("K8S-07", "mkdir -p /etc/rancher/node; echo secret > /etc/rancher/node/password", "/etc/rancher/node/password of another life", "rm -r /etc/rancher"),
)  # fmt: skip
