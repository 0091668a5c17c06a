"""The Debian packages that the machine needs to run and build a lab."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from deploy.lab import toolchain
from deploy.lab.errors import LabUsageError
from deploy.lab.run import run

NEEDED = (
    "podman",
    "runc",
    "netavark",
    "iptables",
    "nftables",
    "iproute2",
    "openssh-client",
    "mmdebstrap",
    "gcc",
    "libc6-dev",
    "libseccomp-dev",
    "pkg-config",
    "ca-certificates",
)
LISTS = Path("/var/lib/apt/lists")


def missing(installed: Iterable[str], has_go: bool) -> list[str]:
    """Return what is still to be installed; any Go will do, it fetches the one that builds."""
    there = set(installed)
    return [name for name in (*NEEDED, *(() if has_go else ("golang-go",))) if name not in there]


def installed() -> list[str]:
    """Return the names of the installed packages."""
    if shutil.which("dpkg-query") is None:
        raise LabUsageError(
            "the lab builds Debian hosts and runs on Debian and its kin; dpkg-query is not here"
        )
    listed = run(["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\n"]).stdout
    return [line.split()[1] for line in listed.splitlines() if line.startswith("installed ")]


def command(wanted: list[str]) -> list[str]:
    """Return what installs packages; nothing but they and what they cannot do without."""
    return ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *wanted]


def require_root() -> None:
    """Refuse without root: podman would look among the user's own containers, where no lab is."""
    if os.geteuid() != 0:
        raise LabUsageError("the lab's hosts are privileged containers of root. Run the same command as root")


def ensure(say: Callable[[str], None]) -> None:
    """Install what is missing, having said so; without root, refuse with the command to run."""
    wanted = missing(installed(), toolchain.present() is not None)
    if os.geteuid() != 0:
        first = f"apt-get update && {' '.join(command(wanted))}, then " if wanted else ""
        raise LabUsageError(
            f"the lab needs root, since its hosts are privileged containers. As root run: {first}this again"
        )
    if not wanted:
        return
    say(f"Installing Debian packages: {' '.join(wanted)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if not any(LISTS.glob("*_Packages*")):
        run(["apt-get", "update", "--quiet"], env=quiet)
    if run(command(wanted), check=False, env=quiet).returncode:
        run(
            ["apt-get", "update", "--quiet"], env=quiet
        )  # lists that are there may name versions that are gone
        run(command(wanted), env=quiet)
