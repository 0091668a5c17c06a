"""Hold the address of the API server on a control plane whose API server is healthy."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.facts.hardware import Ipv4Addrs

from deploy import context, render
from deploy.errors import HostError
from deploy.model import Cluster, Node
from deploy.model.row import Disturbs
from deploy.operations import files, packages, units
from deploy.operations.files import File
from deploy.operations.units import Unit

CONFIG = "/etc/keepalived/keepalived.conf"
CHECK = "/usr/local/lib/slipway/check-apiserver"
# The first control plane leads, one whose API server is ill falls behind every healthy one. Somebody always
# holds the address, so that the first control plane can be initialised behind it.
LEADER, PENALTY = 150, 50


def config(cluster: Cluster, node: Node, interface: str) -> File:
    """Return keepalived's configuration of one control plane."""
    names = [other.name for other in cluster.control_planes]
    text = render.template(
        "endpoint/keepalived.conf.j2",
        node=node.name,
        address=node.address,
        interface=interface,
        endpoint=cluster.endpoint,
        peers=[other.address for other in cluster.control_planes if other.name != node.name],
        router=int(cluster.endpoint) % 255 + 1,
        priority=LEADER - names.index(node.name),
        penalty=PENALTY,
        check=CHECK,
    )
    return File(CONFIG, text)


@deploy("Endpoint")
def endpoint() -> None:
    """Run keepalived on the control planes, straight to their API servers."""
    node = context.node()
    if not node.is_control_plane:
        return
    wanted = config(context.cluster(), node, _interface(node))
    check = File(CHECK, render.file("endpoint/check-apiserver"), mode="0755")
    packages.installed(name="Install keepalived", names=["keepalived", "curl"])
    files.present(name="Configure keepalived", files=[wanted, check])
    units.brought_up(
        name="Run keepalived",
        unit=Unit("keepalived.service", None, (wanted, check)),
        disturbs=Disturbs.SERVICE,
    )


def _interface(node: Node) -> str:
    """Return the interface that bears the node's own address."""
    addresses: dict[str, list[str]] = host.get_fact(Ipv4Addrs) or {}
    for interface, found in addresses.items():
        if str(node.address) in found:
            return interface
    raise HostError(
        f"no interface has the address {node.address} of {node.name}; correct nodes.{node.name}.address"
    )
