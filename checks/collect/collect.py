"""Read every host once, over the connections that are there already."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
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
    """Run the script on all hosts at once; one that could not be asked is there with its cause.

    A host that gives no root says what its user may know.
    """
    mark = f"@{secrets.token_hex(8)}"
    cluster = session.cluster
    folders = dict.fromkeys(folder for node in cluster.nodes for folder in cluster.folders(node))
    command = script(sections(urls, tuple(folders)), mark)
    asked = (*session.hosts, *session.rootless)
    found = session.each(asked, partial(_record, session, command, mark))
    records = {host: record for host, record in found.items() if record is not None}
    now = time.time()
    for host, trouble in session.troubles.items():
        said = records.get(host, Record(Window(now, now), {}))
        records[host] = replace(said, trouble=Trouble(trouble.text, trouble.cause is Cause.SUDO))
    order = [node.name for node in session.cluster.nodes if node.name in records]
    return Collection(session.cluster.name, {host: records[host] for host in order})


def _record(session: Session, command: str, mark: str, host: str) -> Record | None:
    """Read one host; its own window, so that its clock can be judged to the second."""
    start = time.time()
    try:
        run = session.run_as_user if host in session.rootless else session.run
        ran = run(host, command, timeout=TIMEOUT)
    except UnreachableError:
        return None  # the session knows why
    return Record(Window(start, time.time()), answers(ran.out, mark))
