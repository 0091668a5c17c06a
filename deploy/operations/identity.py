"""A host belongs to one cluster, and a living cluster keeps what cannot be changed."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import operation

from deploy.errors import HostError, InventoryError
from deploy.facts.identity import HostClaim
from deploy.model import Cluster, Node
from deploy.model.changes import changed_immutable, immutable_values
from deploy.observe import identity
from deploy.operations import files
from deploy.operations.files import Commands, File


def of(cluster: Cluster, node: Node) -> identity.Identity:
    """Return what a node remembers: the cluster's values and its own, none of the other nodes'."""
    values = {
        path: value
        for path, value in immutable_values(cluster).items()
        if not path.startswith("nodes.") or path.startswith(f"nodes.{node.name}.")
    }
    return identity.Identity(cluster.name, node.name, values)


def refusal(found: identity.Claim, cluster: Cluster) -> str | None:
    """Say why a host may not be touched."""
    if found.identity is None:
        return None
    if found.identity.cluster != cluster.name:
        return (
            f"the host is {found.identity.node} of the cluster {found.identity.cluster}, this inventory is"
            f" of {cluster.name}; take it out of the inventory, or remove {identity.PATH} if it is free"
        )
    changed = changed_immutable(found.identity.values, cluster) if found.member else []
    return "\n".join(changed) or None


@operation()
def claimed(cluster: Cluster, node: Node) -> Commands:
    """The host knows that it belongs to this cluster; a host of another one is an error and stays untouched.

    Values that a living cluster cannot change are compared with what the host remembers; a host that has not
    joined yet may still forget them.
    """
    found: identity.Claim | None = host.get_fact(HostClaim)
    if found is None:
        raise HostError(
            f"{identity.PATH} could not be read, so it is not known whose host this is; "
            "look at it, and remove it only if the host is free"
        )
    if (text := refusal(found, cluster)) is not None:
        raise InventoryError(text)
    wanted = identity.render(of(cluster, node))
    yield from files.present._inner([File(identity.PATH, wanted)])
