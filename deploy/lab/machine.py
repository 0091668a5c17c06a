"""The one kernel that all hosts of all labs share: what they change of it, and how it gets back."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.lab.run import run
from deploy.model import paths
from deploy.model.k3s import POLICY_MODULES

PROC, LOADED = Path("/proc/sys"), Path("/sys/module")
SHARED = (
    "fs.inotify.max_user_instances",
    "fs.inotify.max_user_watches",
    "kernel.core_uses_pid",
    "kernel.keys.root_maxbytes",
    "kernel.keys.root_maxkeys",
    "kernel.numa_balancing",
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.pid_max",
    "kernel.sysrq",
    "net.netfilter.nf_conntrack_max",
    "vm.overcommit_memory",
    "vm.panic_on_oom",
)
"""What the lab, a host's boot, the baseline or a kubelet may write, and which no container has for itself."""

RAISED = {"fs.inotify.max_user_instances": 8192, "fs.inotify.max_user_watches": 524288}
"""Every kubelet and container runtime of every host watches files out of one budget."""


def _file(proc: Path, key: str) -> Path:
    return proc.joinpath(*key.split("."))


def _saved() -> Path:
    return paths.state_home() / "labs" / "machine.json"


def prepare(proc: Path = PROC) -> list[str]:
    """Remember the machine's settings once, raise what is too low, and return what was raised."""
    saved = _saved()
    if not saved.exists():
        before = {key: _file(proc, key).read_text().strip() for key in SHARED if _file(proc, key).exists()}
        saved.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        saved.write_text(json.dumps(before, indent=1))
    low = {key: value for key, value in RAISED.items() if int(_file(proc, key).read_text()) < value}
    for key, value in low.items():
        _file(proc, key).write_text(str(value))
    return [f"{key} = {value}" for key, value in low.items()]


def load(proc: Path = PROC, loaded: Path = LOADED, *, policies: bool = False) -> list[str]:
    """Load what a host cannot, for want of the machine's /lib/modules, and return what was; it stays loaded.

    A kernel without loadable modules has it built in, or no lab. `policies`: k3s is to enforce them.
    """
    if not (proc.parent / "modules").exists():
        return []
    there = (proc.parent / "filesystems").read_text().split()
    absent = [] if "overlay" in there else ["overlay"]
    if not _file(proc, "net.bridge.bridge-nf-call-iptables").exists():
        absent.append("br_netfilter")
    shown = ("vxlan", *(sorted(POLICY_MODULES) if policies else ()))
    absent += [module for module in shown if not (loaded / module).exists()]
    for module in absent:
        run(["modprobe", "--", module])
    return absent


def restore(proc: Path = PROC) -> list[str]:
    """Put back what was remembered, and return what differed."""
    saved = _saved()
    if not saved.exists():
        return []
    before: dict[str, str] = json.loads(saved.read_text())
    changed = {
        key: value for key, value in before.items() if _file(proc, key).read_text().split() != value.split()
    }
    for key, value in changed.items():
        _file(proc, key).write_text(value)
    saved.unlink()
    return [f"{key} = {value}" for key, value in changed.items()]
