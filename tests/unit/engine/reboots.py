"""Two hosts that may wait for a reboot, and an apply that may give it to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.engine import speaker
from deploy.engine.applying import Apply
from deploy.engine.rebooting import Reboots
from deploy.engine.session import Session
from deploy.engine.speaker import CORDONED
from tests.unit.engine.kubectl import node
from tests.unit.engine.phases import Silent

KERNEL = "running 6.12.1\ninstalled 6.12.1\n"
WAITS = f"{KERNEL}reboot linux-image-6.12.9\n"
WHY = "a reboot is asked for by linux-image-6.12.9"
ADDRESSES = {"cp1": "127.0.0.1", "w1": "127.0.0.2"}
MINE = "cd {directory}; me=$(echo $SSH_CONNECTION | cut -d ' ' -f 3)"
DRAIN = "drain --ignore-daemonsets --delete-emptydir-data --timeout=300s"


class Hosts:
    """Two hosts that are this machine, told apart by the address at which they are asked."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for name in ADDRESSES:
            self.is_well(name)
            self._file(name, "boot").write_text("first\n")

    def waits(self, name: str, text: str = WAITS) -> None:
        """Have a host wait for a reboot, which helps."""
        self._file(name, "state").write_text(text)
        self._file(name, "then").write_text(KERNEL)

    def is_well(self, name: str) -> None:
        self.waits(name, KERNEL)

    def is_not_helped(self, name: str) -> None:
        self._file(name, "then").write_text(WAITS)

    def _file(self, name: str, what: str) -> Path:
        return self._directory / f"{ADDRESSES[name]}.{what}"

    @property
    def calls(self) -> list[str]:
        path = self._directory / "calls"
        return path.read_text().splitlines() if path.exists() else []


@contextmanager
def nobody(_: str) -> Iterator[None]:
    yield


def apply(session: Session, *, allowed: bool = True) -> Apply:
    speaks = speaker.speaker(session)
    members = speaker.nodes(session, speaks) if speaks else {}
    work = Apply(session, Silent(), {}, speaks, members)
    Reboots(nobody, allowed=allowed).run(work, ())
    return work


def told(work: Apply) -> Sequence[str]:
    assert isinstance(work.watcher, Silent)
    return work.watcher.told


def turn(name: str) -> list[str]:
    return [
        f"annotate --overwrite node {name} {CORDONED}=DATE",
        f"cordon {name}",
        f"{DRAIN} {name}",
        f"reboot {ADDRESSES[name]}",
        f"uncordon {name}",
        f"annotate node {name} {CORDONED}-",
    ]


def left_by_a_killed_run(api: Path) -> None:
    cordoned = node("w1", annotations={CORDONED: "2026-11-30T01:00:00Z"})
    cordoned["spec"] = {"unschedulable": True}
    (api / "nodes.json").write_text(json.dumps({"items": [node("cp1"), cordoned]}))
