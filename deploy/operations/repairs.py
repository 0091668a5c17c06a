"""What a preflight can mend that no step of an apply does."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.errors import HostError
from deploy.facts.repairs import MachineId, PackageCondition
from deploy.observe.package_state import PackageState
from deploy.operations import notes
from deploy.operations.files import Commands

_CONFIGURE = "DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a"
_RENEW = "rm -f /etc/machine-id /var/lib/dbus/machine-id && systemd-machine-id-setup"


def _packages() -> PackageState:
    found: PackageState | None = host.get_fact(PackageCondition)
    if found is None:
        raise HostError("could not read the packages' state")
    return found


@operation()
def configured() -> Commands:
    """Nothing is half installed."""
    if broken := _packages().broken:
        notes.reason(f"half installed: {', '.join(broken)}")
        yield StringCommand(_CONFIGURE)


@operation()
def precious_held() -> Commands:
    """Kubernetes, container runtimes and GPU drivers are held, as far as they are installed as packages."""
    found = _packages()
    if found.unheld:
        notes.reason(f"not held: {', '.join(found.unheld)}")
        hold = "apt-mark hold --" if found.manager == "apt" else "dnf versionlock add --"
        yield StringCommand(hold, *(QuoteString(name) for name in found.unheld))


@operation()
def machine_id_is_own() -> Commands:
    """The machine-id is no other host's; of several with one id the first by name keeps it."""
    own: str | None = host.get_fact(MachineId)
    before = [other for other in host.state.inventory if other.name < host.name]
    twins = [other.name for other in before if own is not None and other.get_fact(MachineId) == own]
    if own is None or twins:
        notes.reason(f"{own} is that of {', '.join(twins)} too" if twins else "there is no machine-id")
        yield StringCommand(_RENEW)
