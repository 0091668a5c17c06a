"""HOST-26 after an install: etcd's own complaints of a day, and never of a log that nobody could read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from clusters import CLUSTER, LOCK, Ran
from test_etcd_health import K3S

from checks.acceptance.runner import host_checks, prove_hosts
from checks.acceptance.test_etcd import COUNT, COUNT_IN_K3S, LOGS
from deploy.model import Cluster

SLOW = '{"level":"warn","msg":"slow fdatasync","took":"1.2s"}'
CALM = '{"level":"info","msg":"finished scheduled compaction"}'


def said(ran: Ran, declared: Cluster) -> tuple[str, str]:
    mine = [each for each in host_checks() if each.entry.id == "HOST-26"]
    findings = prove_hosts(declared, lambda *_: ran, {}, {"lock": LOCK}, mine)
    [finding] = [each for each in findings if (each.check, each.host) == ("HOST-26", "cp1")]
    return finding.status.value, finding.found


def shell(command: str, **path: str) -> Ran:
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=False, env=path or None
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def journal(tmp_path: Path, script: str) -> Ran:
    tool = tmp_path / "journalctl"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    return shell(COUNT_IN_K3S, PATH=f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([CALM], ("pass", "0 slow fdatasync in a day")),
        ([CALM, *[SLOW] * 10], ("pass", "10 slow fdatasync in a day")),
        ([SLOW] * 11, ("fail", "11 slow fdatasync in a day")),
        ([], ("unavailable", "etcd's log could not be read: nothing was logged in a day")),
    ],
)
def test_k3s_journal_is_counted_where_it_has_anything(
    tmp_path: Path, lines: list[str], expected: tuple[str, str]
) -> None:
    script = "\n".join(f"echo '{line}'" for line in lines)

    assert said(journal(tmp_path, script), K3S) == expected


def test_a_journal_that_cannot_be_read_is_never_good(tmp_path: Path) -> None:
    ran = journal(tmp_path, "echo 'No journal files were opened' >&2; exit 1")

    assert said(ran, K3S) == ("unavailable", "etcd's log could not be read: No journal files were opened")


def test_the_log_of_etcds_pod_is_counted_from_a_day_ago_on(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    log.write_text(f"2000-01-01T00:00:00Z stderr F {SLOW}\n" + f"2999-01-01T00:00:00Z stderr F {SLOW}\n" * 2)

    assert said(shell(COUNT.replace(LOGS, str(log))), CLUSTER) == ("pass", "2 slow fdatasync in a day")
    log.write_text(f"2999-01-01T00:00:00Z stderr F {CALM}\n")
    assert said(shell(COUNT.replace(LOGS, str(log))), CLUSTER) == ("pass", "0 slow fdatasync in a day")


@pytest.mark.parametrize("lines", ["", f"2000-01-01T00:00:00Z stderr F {SLOW}\n"])
def test_a_pods_log_that_has_nothing_of_that_day_is_never_good(tmp_path: Path, lines: str) -> None:
    log = tmp_path / "0.log"
    log.write_text(lines)

    told = said(shell(COUNT.replace(LOGS, str(log))), CLUSTER)

    assert told == ("unavailable", "etcd's log could not be read: nothing was logged in a day")


def test_a_pods_log_that_is_not_there_is_never_good(tmp_path: Path) -> None:
    none = shell(COUNT.replace(LOGS, str(tmp_path / "nothing.log")))
    assert said(none, CLUSTER)[0] == "unavailable"
