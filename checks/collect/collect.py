"""Read every host once, over the connections that are there already."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from checks.collect.collection import Collection, Record
from checks.collect.observed import Trouble, Window
from checks.collect.script import answers, script
from checks.collect.sections import sections
from deploy.engine.session import Session
from deploy.engine.trouble import Cause

TIMEOUT = 45.0  # seconds: the longest lane, twice over on a host that is busy


def collect(session: Session, urls: Sequence[str]) -> Collection:
    """Run the script on all hosts at once; one that could not be asked is there with its cause."""
    mark = f"@{secrets.token_hex(8)}"
    command = script(sections(urls), mark)
    start = time.time()
    ran = session.run_many(dict.fromkeys(session.hosts, command), timeout=TIMEOUT)
    records = {
        host: Record(Window(start, time.time()), answers(done.out, mark)) for host, done in ran.items()
    }
    for host, trouble in session.troubles.items():
        window = Window(start, time.time())
        records[host] = Record(window, {}, Trouble(trouble.text, trouble.cause is Cause.SUDO))
    order = [node.name for node in session.cluster.nodes if node.name in records]
    return Collection(session.cluster.name, {host: records[host] for host in order})
