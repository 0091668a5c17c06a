"""No swap, now and after a boot."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.errors import HostError
from deploy.facts.swap import SwapState
from deploy.observe import swap
from deploy.operations import files, notes
from deploy.operations.files import Commands, File

NO_ZRAM = b"# Written by slipway: no swap on compressed memory.\n"


def _zram_off(found: swap.Swap) -> Commands:
    """Hide the generator's file by an empty one; a file of the operator's own is kept beside it."""
    notes.reason(f"{found.zram} makes swap on compressed memory at boot")
    if found.zram == swap.ZRAM:
        yield StringCommand("cp -p --", QuoteString(swap.ZRAM), QuoteString(f"{swap.ZRAM}.before-slipway"))
    yield from files.present._inner([File(swap.ZRAM, NO_ZRAM)])


@operation()
def disabled() -> Commands:
    """Nothing is swapped to, and nothing brings swap back: fstab, swap units, zram, swap services.

    fstab's entries are commented out, enabled units disabled, generated ones masked; only what is there is
    touched.
    """
    found: swap.Swap | None = host.get_fact(SwapState)
    if found is None:
        raise HostError("could not read /proc/swaps, so swap may be on")
    for path in found.active:
        notes.reason(f"{path} is swapped to")
        yield StringCommand("swapoff --", QuoteString(path))
    if (fstab := swap.without_swap(found.fstab)) != found.fstab:
        yield from files.present._inner([File(swap.FSTAB, fstab.encode(errors="surrogateescape"))])
        yield StringCommand("systemctl daemon-reload")
    for unit in found.startable:
        notes.reason(f"{unit} is {found.units[unit]} and brings swap back at boot")
        verb = "disable --now" if found.units[unit] == swap.ENABLED else "mask"
        yield StringCommand(f"systemctl {verb} --", QuoteString(unit))
    if found.zram is not None:
        yield from _zram_off(found)
