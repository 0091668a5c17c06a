"""What NVIDIA's driver wrote into the kernel's log of a card that is lost."""

from __future__ import annotations

import re

from checks.preflight.gpu import state
from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed, unavailable
from checks.say import listed
from deploy.observe.gpu_state import LOST_CARD

XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9a-fA-F:.]+)\): (\d+)")


def no_lost_card(case: Case) -> Said:
    """Of no card the kernel's log says that it has to be reset or replaced; it forgets its oldest lines."""
    seen = state(case)
    if not seen.logged:
        return unavailable("gpu_state: the kernel's log could not be read")
    told = [(match[1], int(match[2])) for line in seen.log if (match := XID.search(line))]
    lost = dict.fromkeys(
        f"Xid {code} of {slot}: {LOST_CARD[code]}" for slot, code in told if code in LOST_CARD
    )
    wanted = "no Xid of a card that is lost"
    return failed(listed([*lost], 3), wanted) if lost else passed("none in the kernel's log", wanted)


JUDGES: dict[str, HostJudge] = {"NV-04": no_lost_card}
