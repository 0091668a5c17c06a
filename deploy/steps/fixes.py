"""What `slipway preflight --fix` can mend, one step per fix; an apply runs none of them."""

from __future__ import annotations

from pyinfra.api import deploy

from deploy import context
from deploy.operations import host, kernel, repairs, swap
from deploy.steps.baseline import INOTIFY, MODULES, SYSCTLS, keep_time
from deploy.steps.gpu_hosts import keep_nouveau_away

# by check; the value is the step's name here
FIXES = {
    "HOST-03": "no_swap",
    "HOST-04": "no_swap",
    "HOST-06": "modules",
    "HOST-07": "parameters",
    "HOST-08": "parameters",
    "HOST-09": "clock",
    "HOST-10": "name",
    "HOST-11": "machine_id",
    "HOST-22": "packages",
    "HOST-23": "holds",
    "GPU-02": "no_nouveau",
    "AMD-04": "numa_balancing",
}
# what a fix that has to be asked for by its exact id will do
WARNINGS = {
    "HOST-09": "installs a time service and lets it set the clock",
    "HOST-10": "renames the host and writes the nodes into /etc/hosts",
    "HOST-11": "gives the host a new machine-id: its DHCP lease may change, and it needs a reboot",
    "GPU-02": "keeps nouveau from loading after the next reboot: a console on that card goes dark",
}


@deploy("No swap")
def no_swap() -> None:
    """Turn swap off, now and after a boot."""
    swap.disabled(name="Turn swap off")


@deploy("Kernel modules")
def modules() -> None:
    """Load what containers and the pod network need, now and after a boot."""
    kernel.modules_loaded(name="Load kernel modules", names=MODULES, path="/etc/modules-load.d/slipway.conf")


@deploy("Kernel parameters")
def parameters() -> None:
    """Set forwarding and the limits of inotify, which share one file with an apply's baseline."""
    declared = context.cluster().host.sysctls
    kernel.sysctls_set(
        name="Set kernel parameters",
        values={**SYSCTLS, **declared},
        path="/etc/sysctl.d/90-slipway.conf",
        at_least={key: value for key, value in INOTIFY.items() if key not in declared},
    )


@deploy("Clock")
def clock() -> None:
    """Have the clock kept as the inventory says."""
    keep_time(context.cluster().host.time)


@deploy("Name")
def name() -> None:
    """Call the host what the inventory calls it, and let it know the others."""
    host.named(name="Name the host", hostname=context.node().name)
    host.known(
        name="Let the host know the others",
        entries=[(str(other.address), (other.name,)) for other in context.cluster().nodes],
    )


@deploy("Machine-id")
def machine_id() -> None:
    """Give a clone a machine-id of its own."""
    repairs.machine_id_is_own(name="Make the machine-id the host's own")


@deploy("Packages")
def packages() -> None:
    """Finish what was left half installed."""
    repairs.configured(name="Configure half installed packages")


@deploy("Holds")
def holds() -> None:
    """Hold what an upgrade at night would break."""
    repairs.precious_held(name="Hold precious packages")


@deploy("No nouveau")
def no_nouveau() -> None:
    """Write what an apply writes on hosts that declare NVIDIA's cards."""
    keep_nouveau_away()


@deploy("NUMA balancing")
def numa_balancing() -> None:
    """Leave pages where they are."""
    kernel.sysctls_set(
        name="Turn NUMA balancing off",
        values={"kernel.numa_balancing": 0},
        path="/etc/sysctl.d/90-slipway-numa.conf",
    )
