"""How hosts are reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deploy.model.forms import JUMP, USER, HomePath, Port, Switch
from deploy.model.section import Section, setting
from deploy.model.values import Change

User = Annotated[str, Field(pattern=USER)]
Jump = Annotated[str, Field(pattern=JUMP)]


class Ssh(Section):
    """How the hosts are reached."""

    user: User = setting(Change.LIVE, "The user to log in as.", default="root")
    port: Port = setting(Change.LIVE, "The port of sshd.", default=22)
    key: HomePath | None = setting(
        Change.LIVE,
        "The private key's file; without it the agent and the default keys are tried.",
        default=None,
    )
    become: Switch = setting(
        Change.LIVE, "Whether another user than root becomes root by password-less sudo.", default=True
    )
    jump: Jump | None = setting(
        Change.LIVE, "A host to go through: a node's name or [USER@]HOST[:PORT].", default=None
    )


class NodeSsh(Section):
    """What differs for one node; what is left out is as in the cluster's `ssh`."""

    user: User | None = setting(Change.LIVE, "The user to log in as.", default=None)
    port: Port | None = setting(Change.LIVE, "The port of sshd.", default=None)
    key: HomePath | None = setting(Change.LIVE, "The private key's file.", default=None)
    become: Switch | None = setting(
        Change.LIVE, "Whether another user than root becomes root by password-less sudo.", default=None
    )
    jump: Jump | None = setting(
        Change.LIVE, "A host to go through: a node's name or [USER@]HOST[:PORT].", default=None
    )

    def over(self, cluster: Ssh) -> Ssh:
        """Return how the node is reached: the cluster's way, but for what differs here."""
        differs = {key: value for key, value in self if value is not None}
        return cluster.model_copy(update=differs)
