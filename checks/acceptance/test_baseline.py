"""A host is in the state that every later step assumes: looked at by its effect, not in a file."""

from __future__ import annotations

import time

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from deploy.model import Cluster, Node, TimeSync

INSTANCES, WATCHES = 1024, 524288  # below these GPU plugins and MetalLB fail: k0sproject/k0s#8113
SKEW = 2.0  # seconds; certificates begin to look as if they were from the future


def read(host: Host, seen: Seen, command: str) -> str:
    """Return what a command prints; nothing can be said when it fails."""
    ran = host.run(command)
    if ran.rc != 0:
        seen.unread(f"`{command}` ended with {ran.rc}: {ran.stderr.strip() or 'no message'}")
    return str(ran.stdout)


@proves("HOST-03")
def test_swap_is_off(host: Host, cluster: Cluster, seen: Seen) -> None:
    if cluster.kubernetes.kubelet.get("failSwapOn") is False:
        seen.skip("the inventory allows swap (kubelet.failSwapOn: false)")
    header, *devices = read(host, seen, "cat /proc/swaps").splitlines()
    if not header.startswith("Filename"):
        seen.unread(f"/proc/swaps begins with {header!r}")
    names = [line.split()[0] for line in devices]
    seen.expect(found=", ".join(names) or "no swap", wanted="no swap")


@proves("HOST-06")
def test_the_kernel_has_what_containers_need(host: Host, seen: Seen) -> None:
    known = read(host, seen, "cat /proc/filesystems; ls -d /proc/sys/net/bridge 2>/dev/null || true").split()
    has = [name for name in ("overlay", "/proc/sys/net/bridge") if name in known]
    seen.expect(found=" and ".join(has) or "neither", wanted="overlay and /proc/sys/net/bridge")


@proves("HOST-07")
def test_packets_are_forwarded(host: Host, seen: Seen) -> None:
    keys = ("net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables")
    values = read(host, seen, f"sysctl -n {' '.join(keys)}").split()
    found = ", ".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))
    seen.expect(found=found, wanted=", ".join(f"{key}=1" for key in keys))


@proves("HOST-08")
def test_inotify_has_room(host: Host, seen: Seen) -> None:
    text = read(host, seen, "sysctl -n fs.inotify.max_user_instances fs.inotify.max_user_watches")
    instances, watches = (int(value) for value in text.split())
    seen.require(
        instances >= INSTANCES and watches >= WATCHES,
        found=f"{instances} instances and {watches} watches",
        wanted=f">= {INSTANCES} and {WATCHES}",
    )


@proves("HOST-09")
def test_the_clock_is_right(host: Host, cluster: Cluster, seen: Seen) -> None:
    kept = cluster.host.time is not TimeSync.NONE
    # asking timedatectl starts a service on the host
    asked = "; timedatectl show -p NTPSynchronized --value 2>/dev/null || true" if kept else ""
    before = time.time()
    text = read(host, seen, f"date +%s.%N{asked}")
    after = time.time()
    stamp, *synchronised = text.split()
    skew = max(before - float(stamp), float(stamp) - after, 0.0)
    seen.require(skew < SKEW, found=f"{skew:.1f} s off", wanted=f"< {SKEW:.0f} s off the controller's clock")
    if not kept:
        return
    if not synchronised:
        seen.unread("timedatectl does not say whether the clock is synchronised")
    state = {"yes": "synchronised", "no": "not synchronised"}.get(synchronised[0], synchronised[0])
    seen.expect(found=state, wanted="synchronised")


@proves("HOST-12")
def test_the_declared_address_is_on_the_host(host: Host, node: Node, seen: Seen) -> None:
    fields = [line.split() for line in read(host, seen, "ip -o -4 addr show").splitlines()]
    addresses = {field[3].partition("/")[0]: field[1] for field in fields}
    wanted = str(node.address)
    where = addresses.get(wanted)
    others = ", ".join(address for address in addresses if not address.startswith("127."))
    seen.require(
        where is not None,
        found=f"{wanted} on {where}" if where else others or "no address",
        wanted=f"{wanted} on an interface",
    )
