"""What the kernel offers and how it is tuned: swap, cgroups, modules, parameters."""

from __future__ import annotations

from checks.finding import Severity
from checks.preflight.verdicts import Case, HostJudge, Said, UnreadError, failed, passed, skipped
from checks.say import listed
from deploy.model import Cluster, ProxyMode
from deploy.model.k3s import POLICY_MODULES
from deploy.observe.cards import gpus
from deploy.observe.modules import Presence
from deploy.observe.pairs import number

CONTROLLERS = frozenset({"cpu", "cpuset", "memory", "pids"})
REFUSES_CGROUP_V1 = (1, 35)  # kubernetes/kubernetes#134298
OLDEST_KERNEL = (5, 8)  # the first with a complete cgroup v2, says kubernetes/website#56945
INOTIFY = {"fs.inotify.max_user_instances": 1024, "fs.inotify.max_user_watches": 524288}
FORWARDING = ("net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables")
ALWAYS = frozenset({"overlay", "br_netfilter", "nf_conntrack", "vxlan"})
IPTABLES = frozenset({"xt_comment", "xt_addrtype", "xt_MASQUERADE"})
NO_POLICIES = (
    "on RHEL 10: dnf install kernel-modules-extra; else a kernel that has them. Or do without"
    " NetworkPolicies, by kubernetes.k3s.server.disable-network-policy: true"
)
PERSISTED = frozenset({"overlay", "br_netfilter"})
VISIBLE = frozenset({"overlay", "br_netfilter", "nf_conntrack"})  # by their effect, loaded or built in


def _minor(case: Case) -> tuple[int, int]:
    major, minor = case.cluster.kubernetes.version.removeprefix("v").split(".")[:2]
    return int(major), int(minor)


def _tolerates_swap(case: Case) -> bool:
    return case.cluster.is_k3s or case.cluster.kubernetes.kubelet.get("failSwapOn") is False


def swap_is_off(case: Case) -> Said:
    """No swap device is active; where the kubelet tolerates it, it is worth a warning."""
    active = case.known(case.host.swap, "swap").active
    if not active:
        return passed("no swap device", "none")
    severity = Severity.WARNING if _tolerates_swap(case) else None
    return failed(f"swap on {listed(active)}", "none", severity=severity)


def swap_stays_off(case: Case) -> Said:
    """Nothing turns swap on at the next boot."""
    at_boot = case.known(case.host.swap, "swap").returning
    if not at_boot:
        return passed("nothing turns swap on at boot", "nothing")
    severity = Severity.WARNING if _tolerates_swap(case) else None
    return failed(f"turned on at boot by {listed(at_boot)}", "nothing", severity=severity)


def cgroups(case: Case) -> Said:
    """The hierarchy is v2, with the controllers that the kubelet needs, on a kernel that has all of it."""
    cgroup = case.known(case.host.cgroup, "cgroup")
    kernel = case.known(case.host.system, "system").kernel_release
    wanted = "v2 with cpu, cpuset, memory, pids and kernel >= 5.8"
    if cgroup.version != 2:
        refused = _minor(case) >= REFUSES_CGROUP_V1
        tolerated = case.cluster.kubernetes.kubelet.get("failCgroupV1") is False
        severity = Severity.ERROR if refused and not tolerated else Severity.WARNING
        return failed("cgroup v1", wanted, severity=severity)
    if missing := CONTROLLERS - cgroup.controllers:
        return failed(f"cgroup v2 without {listed(sorted(missing))}", wanted)
    if kernel < OLDEST_KERNEL:
        return failed(f"cgroup v2 on kernel {kernel[0]}.{kernel[1]}", wanted, severity=Severity.WARNING)
    return passed(
        f"cgroup v2 with {len(cgroup.controllers)} controllers, kernel {kernel[0]}.{kernel[1]}", wanted
    )


def _needed(cluster: Cluster) -> tuple[frozenset[str], frozenset[str]]:
    """Return what pods and their Services need, and what k3s needs to enforce policies, if it does."""
    kubernetes, nothing = cluster.kubernetes, frozenset[str]()
    proxied = nothing if kubernetes.proxy_mode is ProxyMode.NFTABLES else IPTABLES
    enforced = cluster.is_k3s and kubernetes.k3s.enforces_policies
    return ALWAYS | proxied, POLICY_MODULES if enforced else nothing


def modules(case: Case) -> Said:
    """What pods need works already, is built in, or can be loaded; and comes back after a reboot."""
    found = case.known(case.host.modules, "modules")
    kernels = case.known(case.host.kernels, "kernels")
    pods, policies = _needed(case.cluster)
    needed = pods | policies
    if found.monolithic:
        needed &= VISIBLE  # of what is built in, the others show in use only
    wanted = f"{len(needed)} features of the kernel"
    lacking = {name for name in needed if found.presence.get(name) is Presence.MISSING}
    if lacking:
        remedy = NO_POLICIES if lacking <= policies - pods else None
        said = f"kernel {found.kernel} has no {listed(sorted(lacking))}"
        return failed(said, wanted, remedy=remedy, lasting=True)
    if unread := needed - found.presence.keys():
        raise UnreadError(f"modules: nothing was read of {listed(sorted(unread))}")
    if found.monolithic:
        return passed(f"kernel {found.kernel} without modules has {listed(sorted(needed))} built in", wanted)
    idle = {name for name in PERSISTED if found.presence.get(name) is not Presence.WORKS}
    unkept = PERSISTED - kernels.persisted
    parts = [
        *([f"not loaded: {listed(sorted(idle))}"] if idle else []),
        *([f"not loaded at boot: {listed(sorted(unkept))}"] if unkept else []),
    ]
    return failed("; ".join(parts), wanted) if parts else passed(f"kernel {found.kernel} has them", wanted)


def _live(case: Case, key: str) -> str:
    found = case.known(case.host.sysctls, "sysctls").live.get(key)
    return found.value if found else "not there"


def forwarding(case: Case) -> Said:
    """Forwarding is on now, and no file turns it off at the next boot."""
    sysctls = case.known(case.host.sysctls, "sysctls")
    wanted = "1 now and after a reboot"
    wrong = [f"{key} is {_live(case, key)}" for key in FORWARDING if _live(case, key) != "1"]
    last = {item.key: item for item in sysctls.assignments}
    wrong += [
        f"{last[key].path} sets {key} to {last[key].value}"
        for key in FORWARDING
        if key in last and last[key].value != "1"
    ]
    unset = [key for key in FORWARDING if key not in last]
    if unset and case.phase is not case.phase.PREFLIGHT:
        wrong.append(f"no file sets {listed(unset)}")
    return (
        failed("; ".join(wrong), wanted) if wrong else passed(f"{len(FORWARDING)} parameters are 1", wanted)
    )


def inotify(case: Case) -> Said:
    """The limits of inotify are what kubelet, container runtime and device plugins use up on one node."""
    found = {key: _live(case, key) for key in INOTIFY}
    wanted = ", ".join(f"{key.rpartition('.')[2]} >= {least}" for key, least in INOTIFY.items())
    said = ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in found.items())
    enough = all((number(value) or 0) >= INOTIFY[key] for key, value in found.items())
    return passed(said, wanted) if enough else failed(said, wanted)


def numa_balancing(case: Case) -> Said:
    """Instinct hosts do not move pages between sockets."""
    if not any(gpu.model.startswith("MI") for gpu in gpus(case.known(case.host.pci, "pci"))):
        return skipped("no Instinct GPU here")
    found = _live(case, "kernel.numa_balancing")
    return passed(found, "0") if found in ("0", "not there") else failed(found, "0")


JUDGES: dict[str, HostJudge] = {
    "HOST-03": swap_is_off,
    "HOST-04": swap_stays_off,
    "HOST-05": cgroups,
    "HOST-06": modules,
    "HOST-07": forwarding,
    "HOST-08": inotify,
    "AMD-04": numa_balancing,
}
