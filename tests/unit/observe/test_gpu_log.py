"""What a host's kernel says of its GPUs: each kind of line is found, whatever else is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

from deploy.observe.gpu_state import COMMAND

XID = "[ 9.1] NVRM: Xid (PCI:0000:1b:00): 79, pid=7, name=python3, GPU has fallen off the bus."
OTHER = "[ 9.2] NVRM: Xid (PCI:0000:1b:00): 31, pid=7, name=python3, MMU Fault"
NOISE = "[ 9.9] iwlwifi 0000:00:14.3: firmware: failed to load iwlwifi-so-a0-gf-a0-72.ucode (-2)"


def test_a_lost_card_is_told_however_often_something_else_fails(tmp_path: Path) -> None:
    script = "if kernel=" + COMMAND.partition("if kernel=")[2].partition("\nfi\n")[0] + "\nfi\n"
    dmesg = tmp_path / "dmesg"
    dmesg.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in [XID, OTHER, *[NOISE] * 40]))
    dmesg.chmod(0o755)

    ran = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.splitlines() == ["logged", *[f"log {NOISE}"] * 20, f"log {XID}"]
