"""Read every host once, over the connections that are there already."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from functools import partial

from checks.collect.collection import Collection, Record
from checks.collect.observed import Trouble, Window
from checks.collect.script import answers, script
from checks.collect.sections import sections
from deploy.engine.session import Session
from deploy.engine.trouble import Cause
from deploy.errors import UnreachableError

TIMEOUT = 45.0  # seconds: the longest lane, twice over on a host that is busy


def collect(session: Session, urls: Sequence[str]) -> Collection:
    """Run the script on all hosts at once; one that could not be asked is there with its cause."""
    mark = f"@{secrets.token_hex(8)}"
    command = script(sections(urls), mark)
    found = session.each(session.hosts, partial(_record, session, command, mark))
    records = {host: record for host, record in found.items() if record is not None}
    now = time.time()
    for host, trouble in session.troubles.items():
        answered = trouble.cause is Cause.SUDO
        records[host] = Record(Window(now, now), {}, Trouble(trouble.text, answered))
    order = [node.name for node in session.cluster.nodes if node.name in records]
    return Collection(session.cluster.name, {host: records[host] for host in order})


def _record(session: Session, command: str, mark: str, host: str) -> Record | None:
    """Read one host; its own window, so that its clock can be judged to the second."""
    start = time.time()
    try:
        ran = session.run(host, command, timeout=TIMEOUT)
    except UnreachableError:
        return None  # the session knows why
    return Record(Window(start, time.time()), answers(ran.out, mark))
