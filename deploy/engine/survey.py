"""What is there and what would change: all that a person is shown before an apply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import gevent

from deploy.engine import planning, reboots, rolling, speaker
from deploy.engine.session import Session
from deploy.engine.speaker import KubeNode
from deploy.model.row import Row
from deploy.plan import Phase

ON_ITS_WAY = 0.02  # seconds until a question has left for the hosts


@dataclass(frozen=True, slots=True)
class Survey:
    """The control plane that answers, the nodes that have joined, and the rows of the plan.

    With members and no speaker the cluster lives, and its API server is silent.
    """

    speaker: str | None
    members: Mapping[str, KubeNode]
    rows: Sequence[Row]

    @property
    def pending(self) -> list[Row]:
        """The rows that an apply would have something to do for."""
        return [row for row in self.rows if row.pending]

    @property
    def leftovers(self) -> list[Row]:
        """The rows that put right what an interrupted run left of its rolling."""
        return [row for row in self.rows if row.phase == rolling.PHASE]


def survey(
    session: Session,
    phases: Sequence[Phase],
    living: Callable[[], object] | None = None,
    *,
    reboot: bool | None = None,
) -> Survey:
    """Look at everything; change nothing. `living` is called once the cluster's API is known to answer.

    `reboot` says whether hosts that wait for one may have it; None asks no host whether it does.
    """
    waiting = None if reboot is None else gevent.spawn(reboots.rows, session, allowed=reboot)
    asked = gevent.spawn(speaker.speaker, session)
    gevent.sleep(ON_ITS_WAY)
    planning.load(phases)
    speaks, members = asked.get(), {}
    if speaks is None and (members := speaker.joined(session)):
        speaks = speaker.awaited(session)
    if speaks is not None:
        if living is not None:
            living()
        members = speaker.nodes(session, speaks)
    planned = planning.plan(session, phases, speaks)
    reboot_rows = [] if waiting is None else waiting.get()
    # a node that is to be rebooted stays empty until then
    own = session.chosen - {row.host for row in reboot_rows if row.pending}
    left = [row for row in rolling.leftovers(members.values()) if row.host in own]
    return Survey(speaks, members, [*left, *planned, *reboot_rows])
