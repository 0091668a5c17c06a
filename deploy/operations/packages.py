"""Packages of the distribution: installed, and held where an upgrade at night would stop a node."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.errors import HostError
from deploy.facts.packages import PackageVersions
from deploy.observe import packages
from deploy.operations import notes
from deploy.operations.files import Commands

# Another apt is waited for and never killed, nor are its lock files deleted: dpkg's data would break.
LOCK_SECONDS = 300
_APT = (
    f"apt-get -q -o DPkg::Lock::Timeout={LOCK_SECONDS} -o Acquire::Retries=2 -o Acquire::http::Timeout=20"
    " -o Dpkg::Options::=--force-confold"
)
_QUIET = "export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1;"
_MEND = '[ -z "$(dpkg --audit)" ] || dpkg --force-confold --configure -a;'


def _read(names: Sequence[str]) -> packages.Packages:
    found: packages.Packages | None = host.get_fact(PackageVersions, packages_wanted=list(names))
    if found is None:
        raise HostError(
            f"{', '.join(names)} cannot be looked up: the host has no dpkg; "
            "slipway prepares Debian and Ubuntu hosts"
        )
    return found


@operation()
def installed(names: Sequence[str]) -> Commands:
    """The packages are installed, in whatever version the host's sources offer."""
    found = _read(names)
    if missing := [name for name in names if name not in found.installed]:
        notes.reason(f"not installed: {', '.join(missing)}")
        install = StringCommand(
            f"{_APT} install -y --no-install-recommends --", *(QuoteString(name) for name in missing)
        )
        update = StringCommand(f"{_APT} update")
        yield StringCommand(_QUIET, _MEND, install, "|| {", update, "&&", install, "; }")


@operation()
def held(names: Sequence[str]) -> Commands:
    """Those of the packages that are installed as packages are not upgraded unless someone asks for it."""
    found = _read(names)
    if loose := [name for name in names if name in found.installed and name not in found.held]:
        notes.reason(f"not held: {', '.join(loose)}")
        yield StringCommand("apt-mark hold --", *(QuoteString(name) for name in loose))
