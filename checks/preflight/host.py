"""What a host is: its user, system, name, identity, clock, packages, leftovers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from re import fullmatch
from statistics import median

from checks.collect.observed import Observed
from checks.finding import Severity
from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed
from checks.say import listed
from deploy.model import TimeSync
from deploy.observe.network import Link
from deploy.observe.package_state import KUBERNETES

SYSTEMS = {"debian": "12", "ubuntu": "22.04", "rocky": "9", "rhel": "9", "almalinux": "9", "fedora": "40"}
ARCHITECTURES = ("x86_64", "aarch64")
CONTROL_PLANE_CPUS = 2  # kubeadm's NumCPUCheck
CONTROL_PLANE_MIB = 1700  # kubeadm's MemCheck
WORKER_MIB = 512
SKEW_WARNING, SKEW_ERROR = 2.0, 30.0  # seconds
FILLERS = (
    "03000200-0400-0500-0006-000700080009",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
)  # what vendors ship on every board


def root(case: Case) -> Said:
    """The connection's user is root, or has become root."""
    uid = case.known(case.host.system, "system").uid
    if uid == 0:
        return passed("uid 0", "uid 0")
    return failed(f"uid {uid}; what only root may read is missing below", "uid 0")


def supported(case: Case) -> Said:
    """Distribution and architecture are supported, and there is enough of the machine for its role."""
    system = case.known(case.host.system, "system")
    memory = None if system.memory_kib is None else system.memory_kib // 1024
    name = f"{system.os_name or system.os or 'unknown system'} {system.arch}"
    found = f"{name}, {system.cpus or '?'} CPUs, {memory or '?'} MiB"
    least = CONTROL_PLANE_MIB if case.node.is_control_plane else WORKER_MIB
    cpus = CONTROL_PLANE_CPUS if case.node.is_control_plane else 1
    wanted = f"a supported system, >= {cpus} CPUs, >= {least} MiB"
    if system.arch not in ARCHITECTURES:
        return failed(found, f"{wanted}, {' or '.join(ARCHITECTURES)}", severity=Severity.ERROR)
    if system.cpus is None or memory is None:
        return failed(found, wanted, detail="CPUs or memory could not be counted", severity=Severity.WARNING)
    if system.cpus < cpus or memory < least:
        return failed(found, wanted, severity=Severity.ERROR)
    if system.os not in SYSTEMS:
        return failed(found, f"one of {listed(tuple(SYSTEMS))}", detail="it may work; nobody has tried")
    return passed(found, wanted)


def _same(case: Case, value: str, of: Callable[[Observed], str | None]) -> list[str]:
    """Return the other hosts that say the same."""
    return [other.host for other in case.everyone if other.host != case.host.host and of(other) == value]


def hostname(case: Case) -> Said:
    """The hostname can be a node's, no other host has it, and it leads to the node's address."""
    name = case.known(case.host.system, "system").hostname
    own = case.known(case.host.names, "names").own
    wanted = f"{case.node.name}, which leads to {case.node.address}"
    if twins := _same(case, name, lambda other: other.system.hostname if other.system else None):
        renamed = name != case.node.name
        return failed(f"{name}, as {listed(twins)} too", wanted, lasting=not renamed)
    if not fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9-]+)*", name) or name == "localhost":
        return failed(f"{name!r}, which no node can have", wanted)
    if name != case.node.name:
        return failed(f"{name}", wanted)
    if str(case.node.address) not in own:
        return failed(f"{name} leads to {listed(own) if own else 'nothing'}", wanted)
    return passed(f"{name} leads to {case.node.address}", wanted)


def identity(case: Case) -> Said:
    """machine-id, MAC and product_uuid are not a clone's."""
    system = case.known(case.host.system, "system")
    network = case.known(case.host.network, "network")
    wanted = "a machine-id, MAC and product_uuid of its own"
    machine_id = system.machine_id
    if machine_id is None or not fullmatch(r"[0-9a-f]{32}", machine_id):
        return failed(f"machine-id {machine_id or 'missing'}", wanted)
    if twins := _same(case, machine_id, lambda other: other.system.machine_id if other.system else None):
        return failed(f"machine-id {machine_id} is that of {listed(twins)} too", wanted)
    link = network.link_of(case.node.address)
    if link and link.mac and (twins := _same(case, link.mac, _mac_of(case))):
        return failed(f"MAC {link.mac} is that of {listed(twins)} too", wanted)
    confinement = case.host.confinement
    if confinement and confinement.container:
        return passed(f"{_own(machine_id, link)}; the product_uuid is its machine's", wanted)
    uuid = (system.product_uuid or "").lower()
    if uuid in FILLERS:
        return failed(
            f"product_uuid {uuid}, which the vendor ships on every board", wanted, severity=Severity.WARNING
        )
    if uuid and (twins := _same(case, uuid, lambda other: _uuid(other))):
        said = f"product_uuid {uuid} is that of {listed(twins)} too"
        return failed(said, wanted, severity=Severity.WARNING)
    return passed(_own(machine_id, link), wanted)


def _own(machine_id: str, link: Link | None) -> str:
    return f"machine-id {machine_id[:8]}..., MAC {link.mac if link else 'unknown'}"


def _uuid(host: Observed) -> str | None:
    return host.system.product_uuid.lower() if host.system and host.system.product_uuid else None


def _mac_of(case: Case) -> Callable[[Observed], str | None]:
    addresses = {node.name: node.address for node in case.cluster.nodes}

    def mac(host: Observed) -> str | None:
        link = host.network.link_of(addresses[host.host]) if host.network and host.host in addresses else None
        return link.mac if link else None

    return mac


def offset(host: Observed) -> tuple[float, float] | None:
    """Return how far a host's clock may be from the controller's, as (middle, half the uncertainty)."""
    if host.clock is None:
        return None
    least, most = host.clock.now - host.window.end, host.clock.now - host.window.start
    return (least + most) / 2, (most - least) / 2


def skew_of(host: Observed, everyone: Sequence[Observed]) -> float:
    """Return how many seconds a clock is off the median of all hosts, at least.

    Of two hosts one is measured by the other: half way between them there is no clock.
    """
    others = [found for other in everyone if other.host != host.host and (found := offset(other))]
    middle, unsure = offset(host) or (0.0, 0.0)
    usual, also = others[0] if len(others) == 1 else (median([middle, *(each[0] for each in others)]), 0.0)
    return max(0.0, abs(middle - usual) - unsure - also)


def clock(case: Case) -> Said:
    """The clock agrees with those of the other hosts, as far as can be told, and somebody keeps it."""
    now = case.known(case.host.clock, "clock")
    skew = skew_of(case.host, case.everyone)
    wanted = f"synchronised, within {SKEW_WARNING:g} s of the others"
    if skew >= SKEW_WARNING:
        severity = Severity.ERROR if skew >= SKEW_ERROR else Severity.WARNING
        return failed(f"{skew:.0f} s off the other hosts", wanted, severity=severity)
    if case.cluster.host.time is TimeSync.NONE:
        return passed("agrees with the other hosts; the inventory leaves its keeping alone", wanted)
    if now.synchronised or now.keeper:
        return passed(f"agrees with the other hosts, kept by {now.keeper or 'time synchronisation'}", wanted)
    said = "nothing keeps the clock"
    detail = f"apply installs {case.cluster.host.time}" if case.phase is case.phase.PREFLIGHT else ""
    return failed(said, wanted, detail=detail, severity=Severity.WARNING)


def leftovers(case: Case) -> Said:
    """What lies here is nobody's, or this cluster's."""
    remains = case.known(case.host.remains, "remains")
    wanted = "a bare host, or one of this cluster"
    if remains.cluster is not None:
        if remains.cluster == case.cluster.name:
            return passed(f"a host of {remains.cluster}", wanted)
        return failed(
            f"a host of the cluster {remains.cluster}",
            wanted,
            remedy="Remove the host from that cluster first",
        )
    if remains.identity is not None:
        return failed(
            "an identity file that names no cluster", wanted, remedy="Look at /etc/slipway/cluster.json"
        )
    links = [f"interface {link}" for link in remains.links]
    foreign = [place for place in remains.places if place != "/etc/cni/net.d"]
    if foreign:
        return failed(listed([*foreign, *links]), wanted)
    mild = [*remains.places, *links]
    if mild:
        return failed(listed(mild), wanted, severity=Severity.WARNING)
    return passed("bare", wanted)


def package_manager(case: Case) -> Said:
    """No package manager runs, and nothing is half installed."""
    packages = case.known(case.host.packages, "packages")
    wanted = "no package manager at work, nothing half installed"
    if packages.busy:
        counted = Counter(name for _, name in packages.busy)
        return failed(f"{listed(sorted(counted))} at work (pid {packages.busy[0][0]})", wanted)
    if packages.broken:
        return failed(f"half installed: {listed(packages.broken)}", wanted, remedy="dpkg --configure -a")
    return passed(f"{packages.manager} is free", wanted)


def holds(case: Case) -> Said:
    """Packages whose upgrade stops a node are held, as far as they are installed as packages."""
    packages = case.known(case.host.packages, "packages")
    unheld = packages.unheld
    if unheld:
        drivers = [name for name in unheld if name not in KUBERNETES]  # apply holds the others
        return failed(
            f"not held: {listed(unheld)}",
            "held",
            remedy=f"apt-mark hold {' '.join(unheld)}",
            severity=Severity.WARNING if case.phase is case.phase.PREFLIGHT else None,
            lasting=bool(drivers),
        )
    held = f"held: {listed(packages.held)}" if packages.held else "no such package is installed"
    return passed(held, "held where installed")


def reboot(case: Case) -> Said:
    """The running kernel is the one that the next boot starts."""
    kernels = case.known(case.host.kernels, "kernels")
    wanted = "no reboot pending"
    if (waits := kernels.waits) is not None:
        return failed(waits, wanted)
    return passed(f"kernel {kernels.running}", wanted)


def mandatory_access(case: Case) -> Said:
    """AppArmor can load profiles where it is on, and SELinux knows k3s where it enforces."""
    security = case.known(case.host.security, "security")
    wanted = "apparmor_parser where AppArmor is on, k3s' policy where SELinux enforces"
    if security.apparmor and not security.apparmor_parser:
        return failed("AppArmor is on, apparmor_parser is missing", wanted)
    if security.enforcing and case.cluster.is_k3s and not security.k3s_policy:
        return failed("SELinux enforces, without k3s' policy", wanted)
    apparmor, selinux = ("on" if on else "off" for on in (security.apparmor, security.enforcing))
    return passed(f"AppArmor {apparmor}, SELinux enforcement {selinux}", wanted)


JUDGES: dict[str, HostJudge] = {
    "HOST-01": root,
    "HOST-02": supported,
    "HOST-09": clock,
    "HOST-10": hostname,
    "HOST-11": identity,
    "HOST-22": package_manager,
    "HOST-23": holds,
    "HOST-24": reboot,
    "HOST-27": leftovers,
    "HOST-28": mandatory_access,
}
