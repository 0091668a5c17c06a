"""GPUs of any vendor: whether they are there, bound, reachable, fast and free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from checks.finding import Severity
from checks.preflight.bringing import bringer, is_operators, without_headers
from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed, skipped
from checks.say import listed
from deploy.gpu import models
from deploy.gpu.wiring import module_of
from deploy.model import Allocation, Gpus, Vendor
from deploy.observe.cards import Gpu, Sort, display, gpus, integrated, sort_of
from deploy.observe.gpu_state import GpuState

BAR_SHARE = 0.9
GIB = 1024**3
MIB = 1024**2
TRANSLATING = ("intel_iommu=on", "amd_iommu=on", "iommu=nopt", "iommu.passthrough=0")
DIRECT = ("iommu=pt", "intel_iommu=off", "amd_iommu=off", "iommu=off", "iommu.passthrough=1")


# ROCm/k8s-device-plugin ed76468 internal/pkg/amdgpu/amdgpu.go: it offers every device that amdgpu drives
NO_INTEGRATED = "Switch the integrated graphics off in the firmware's setup"
# nor can NVIDIA's choose: patterns of models in its configuration are ignored (NVIDIA/k8s-device-plugin
# cmd/nvidia-device-plugin/main.go disableResourceRenamingInConfig; NVIDIA/nvidia-container-toolkit#836)
OFFER_ALL = {Vendor.AMD, Vendor.NVIDIA}
BY_MODEL = "Set allocation: dra, by which pods ask for a model, or take the other cards out of the node"
NONE_HERE = "no GPU on the bus, see GPU-01"


def found(case: Case) -> tuple[Gpu, ...]:
    """Return the host's discrete GPUs."""
    return gpus(case.known(case.host.pci, "pci"))


def state(case: Case) -> GpuState:
    """Return what stands between them and their work."""
    return case.known(case.host.gpu_state, "gpu_state")


def integrated_by_amdgpu(case: Case) -> int:
    """Return how many of a processor's own graphics AMD's driver has: KFD counts them, plugins offer them."""
    bus = case.known(case.host.pci, "pci")
    return sum(each.driver == "amdgpu" for each in integrated(bus, Vendor.AMD))


def _counted(cards: tuple[Gpu, ...]) -> str:
    counts = Counter(f"{card.vendor} {card.model}" for card in cards)
    return ", ".join(f"{count}x {name}" for name, count in counts.items()) or "no GPU"


def _others(case: Case) -> str:
    """Name the displays that do not count, so that nobody wonders where they went."""
    bus = case.known(case.host.pci, "pci")
    names = [display(each) for each in bus.devices if sort_of(each) is Sort.DISPLAY]
    names += ["integrated graphics" for each in bus.devices if sort_of(each) is Sort.INTEGRATED]
    said = f"; not counted: {listed(sorted(set(names)))}" if names else ""
    return f"{said} (simulated)" if bus.simulated else said


def declared(case: Case) -> Said:
    """The bus shows the GPUs that the inventory declares, by vendor, model and number."""
    here, wishes = found(case), case.node.gpus
    text = _counted(here) + _others(case)
    if not wishes:
        if not here:
            return passed(text, "none declared")
        return failed(text, "none declared", severity=Severity.WARNING, remedy=_declaration(here))
    wanted = ", ".join(f"{wish.count}x {wish.vendor} {wish.model}" for wish in wishes)
    mine = [card for card in here if any(models.may_be(card, wish) for wish in wishes)]
    if not _are_all(mine, wishes):
        return failed(text, wanted)
    by_number = {wish.vendor for wish in wishes if wish.allocation is Allocation.DEVICE_PLUGIN}
    if Vendor.AMD in by_number and integrated_by_amdgpu(case):
        doubt = "AMD's device plugin gives away the integrated graphics too"
        return failed(text, wanted, detail=doubt, severity=Severity.WARNING, remedy=NO_INTEGRATED)
    others = {card.vendor for card in here if card not in mine}
    if given := sorted(OFFER_ALL & others & by_number):
        doubt = f"{given[0]}'s device plugin gives away all of its vendor's cards, declared or not"
        return failed(text, wanted, detail=doubt, remedy=BY_MODEL)
    if others:
        doubt = "GPUs that are not declared are not used"
        return failed(text, wanted, detail=doubt, severity=Severity.WARNING)
    return passed(text, wanted)


def _are_all(mine: Sequence[Gpu], wishes: Sequence[Gpus]) -> bool:
    """Say whether these cards are the declared ones: of each model none too many, of each vendor as many.

    A card of an unknown id stands for one of its vendor's that is missing.
    """
    for vendor in {wish.vendor for wish in wishes}:
        wanted = Counter({wish.model: wish.count for wish in wishes if wish.vendor is vendor})
        cards = [card for card in mine if card.vendor is vendor]
        known = Counter(card.model for card in cards if card.card)
        if not known <= wanted or len(cards) != wanted.total():
            return False
    return True


def _declaration(here: tuple[Gpu, ...]) -> str:
    """Say how the cards are declared, those of one model together."""
    counts = Counter(card.model for card in here)
    kinds = {card.model: card for card in here}
    said = [
        f"{{vendor: {card.vendor}, model: {model if card.card else 'NAME'}, count: {counts[model]}}}"
        for model, card in kinds.items()
    ]
    unknown = [f"{card.vendor} calls {model}" for model, card in kinds.items() if card.card is None]
    meant = f", NAME as {' and '.join(unknown)}, such as RTX 4070" if unknown else ""
    entries = ", ".join(said)
    return f"Declare them: gpus: {entries if len(said) == 1 else f'[{entries}]'}{meant}"


def _suits(case: Case, card: Gpu) -> tuple[str, ...]:
    """Return the drivers that make a card work: of a declared model the declared one alone.

    Device plugins offer cards under their driver's name, and one name is waited for and asked for: see
    intel/intel-device-plugins-for-kubernetes 94a91bc cmd/gpu_plugin/gpu_plugin.go.
    """
    wish = next((wish for wish in case.node.gpus if models.may_be(card, wish)), None)
    if wish and (wish.module or wish.allocation is Allocation.DEVICE_PLUGIN):
        return (module_of(wish).value,)
    return card.drivers


def drivers(case: Case) -> Said:
    """Each GPU is bound to a driver that makes it work, where one is declared to that one."""
    here = found(case)
    if not here:
        return failed(NONE_HERE, "bound GPUs")
    bad = [card for card in here if card.device.driver not in _suits(case, card)]
    wrong = [
        f"{card.device.slot} {card.model} is bound to {card.device.driver or 'no driver'}" for card in bad
    ]
    suits = {card.model: " or ".join(sorted(_suits(case, card))) for card in here}
    said = [f"{names} for {model}" for model, names in suits.items()]
    wanted = ", ".join(said) if len({*suits.values()}) > 1 else f"{suits[here[0].model]} for each"
    if wrong:
        return failed(listed(wrong, 3), wanted, remedy=_pinned(case, bad), mended_by=bringer(case, bad))
    counts = Counter(card.device.driver for card in here)
    return passed(", ".join(f"{count}x {driver}" for driver, count in counts.items()), wanted)


def _pinned(case: Case, bad: list[Gpu]) -> str | None:
    """Say how a card gets the other one of its two drivers; None where the catalogue says it."""
    first = bad[0]
    bound, [*suits] = first.device.driver, _suits(case, first)
    if bound not in first.drivers:
        return None
    id_ = first.device.device
    return (
        f"Boot with {bound}.force_probe=!{id_} {suits[0]}.force_probe={id_} on the kernel's command line,"
        f" or declare gpus.module: {bound}"
    )


def nodes(case: Case) -> Said:
    """Each GPU has the device node through which pods reach it."""
    here, there = found(case), state(case).nodes
    if not here:
        return skipped(NONE_HERE)
    bad = [
        card
        for card in here
        if card.vendor is not Vendor.NVIDIA
        and not any(name.startswith("renderD") and present for name, present in card.device.nodes.items())
    ]
    missing = [f"{card.device.slot} {card.model} has no /dev/dri/renderD node" for card in bad]
    nvidia = [card for card in here if card.vendor is Vendor.NVIDIA]
    numbered = [name for name in there if name.startswith("nvidia") and name[6:].isdigit()]
    if len(numbered) < len(nvidia):
        missing.append(f"{len(numbered)} /dev/nvidia nodes for {len(nvidia)} GPUs")
        bad += nvidia
    wanted = "a device node for each GPU"
    if missing:
        return failed(listed(missing, 3), wanted, mended_by=bringer(case, bad))
    return passed(f"{len(here)} of {len(here)}", wanted)


def resizable_bar(case: Case) -> Said:
    """The card's memory is reachable at once; xe needs it, the others are faster with it."""
    cards = [card for card in found(case) if card.card and card.vendor is Vendor.INTEL]
    if not cards:
        return skipped("no Intel card whose memory is known")
    small = [
        card for card in cards if card.card and card.device.largest_bar < BAR_SHARE * card.card.memory * GIB
    ]
    wanted = (
        f">= {listed(sorted({f'{BAR_SHARE * card.card.memory:.1f} GiB' for card in cards if card.card}))}"
    )
    if small:
        said = [f"{card.device.slot} {card.model} {card.device.largest_bar // MIB} MiB" for card in small]
        dropped = any(card.device.driver != "i915" for card in small)
        detail = "xe's user space drops such a card" if dropped else "i915 uses it, only slower"
        return failed(listed(said, 4), wanted, detail=detail, severity=None if dropped else Severity.WARNING)
    return passed(
        listed(sorted({f"{card.model} {card.device.largest_bar // GIB} GiB" for card in cards})), wanted
    )


def next_kernel(case: Case) -> Said:
    """The driver's module is there for the running and for the newest kernel."""
    kernels, seen = case.known(case.host.kernels, "kernels"), state(case)
    cards = [card for card in found(case) if not is_operators(case, card.vendor)]
    if not cards:
        return skipped("the operator brings the module" if found(case) else NONE_HERE)
    if case.known(case.host.modules, "modules").monolithic:
        return passed("the kernel has no modules; its drivers are built in", "a module, or a built-in driver")
    wrong, bad, bare = [], list[Gpu](), False
    for kernel in dict.fromkeys((kernels.running, kernels.newest)):
        have = {module.name for module in seen.modules if module.kernel == kernel}
        for names in sorted({card.drivers for card in cards}):
            if not have & set(names):
                bare |= (headless := not kernels.installed.get(kernel))
                headers = ", and no headers to build it with" if headless else ""
                wrong.append(f"kernel {kernel} has no module {' or '.join(names)}{headers}")
                bad += [card for card in cards if card.drivers == names]
    wanted = f"a module for {kernels.running} and {kernels.newest}"
    if wrong:
        brings = bringer(case, bad)
        if brings and bare and (remedy := without_headers(case, bad)):
            return failed(listed(wrong, 3), wanted, remedy=remedy)
        return failed(listed(wrong, 3), wanted, mended_by=brings)
    return passed(f"a module for {kernels.newest}", wanted)


def unused(case: Case) -> Said:
    """No process outside of Kubernetes holds a GPU."""
    users = state(case).users
    names = sorted({f"{process} (pid {pid})" for pid, _, process in users})
    return failed(f"used by {listed(names)}", "nobody") if names else passed("nobody", "nobody")


def link(case: Case) -> Said:
    """Each card's link runs at the width and speed of the card; at rest it may run slower than it can."""
    slow, unknown = [], []
    if not found(case):
        return skipped(NONE_HERE)
    for card in found(case):
        hop = card.device.link
        width = card.card.width if card.card else (hop.max_width if hop else None)
        speed = card.card.speed if card.card else (hop.max_speed if hop else None)
        if hop is None or hop.width is None or hop.max_speed is None or width is None or speed is None:
            unknown.append(card.device.slot)
        elif hop.width < width or hop.max_speed < speed:
            runs = f"x{hop.width} at {hop.max_speed:g} GT/s"
            slow.append(f"{card.device.slot} {card.model} {runs} of x{width} at {speed:g}")
    wanted = "the card's own width and speed"
    if slow:
        return failed(listed(slow, 4), wanted)
    if unknown:
        return failed(f"the link of {listed(unknown)} could not be read", wanted)
    return passed(f"{len(found(case))} at full width", wanted)


def iommu(case: Case) -> Said:
    """Where several GPUs talk to each other, the IOMMU lets them through: a pod's are of one model."""
    counts = Counter((card.vendor, card.model) for card in found(case))
    cards = [card for card in found(case) if counts[card.vendor, card.model] > 1]
    if not cards:
        return skipped("there are no two GPUs of one model that could talk to each other")
    words = case.known(case.host.system, "system").cmdline.split()
    grouped = [card for card in cards if card.device.iommu_group]
    wanted = "off, or passing through (iommu=pt)"
    if not grouped or any(word in words for word in DIRECT):
        return passed("off" if not grouped else "passing through", wanted)
    said = next((word for word in words if word in TRANSLATING), "on by the kernel's default")
    return failed(f"translating ({said}) for {len(grouped)} GPUs", wanted)


def locality(case: Case) -> Said:
    """The GPUs and the node's network card sit at one socket."""
    network = case.known(case.host.network, "network")
    interface = network.link_of(case.node.address)
    sockets = {card.device.numa for card in found(case) if card.device.numa is not None}
    if not sockets or interface is None or interface.numa is None:
        return skipped("the machine has one NUMA node, or does not say")
    said = f"GPUs on {listed(sorted(sockets))}, {interface.name} on {interface.numa}"
    together = sockets == {interface.numa}
    return passed(said, "one NUMA node") if together else failed(said, "one NUMA node")


JUDGES: dict[str, HostJudge] = {
    "GPU-01": declared,
    "GPU-02": drivers,
    "GPU-03": nodes,
    "GPU-05": resizable_bar,
    "GPU-07": next_kernel,
    "GPU-09": unused,
    "GPU-11": link,
    "GPU-12": iommu,
    "GPU-13": locality,
}
