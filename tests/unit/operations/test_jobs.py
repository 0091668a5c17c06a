"""Jobs that run once: another specification is another Job, and a failed one is made anew."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.operations import jobs
from tests.unit.operations.conftest import Plan, Planned, read

LISTED = "/apis/batch/v1/namespaces/object-store/jobs?labelSelector=app.kubernetes.io%2Fname%3Dbuckets"
EMPTY = read({"apiVersion": "batch/v1", "kind": "JobList", "items": []})

JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {
        "name": "buckets-1",
        "namespace": "object-store",
        "labels": {"app.kubernetes.io/name": "buckets"},
    },
    "spec": {"backoffLimit": 4},
}


def living(name: str, *conditions: str) -> dict[str, Any]:
    met = [{"type": kind, "status": "True"} for kind in conditions]
    return {**JOB, "metadata": {**JOB["metadata"], "name": name}, "status": {"conditions": met}}


def done(plan: Plan, *live: dict[str, Any]) -> Planned:
    return plan(jobs.done, JOB, answers={LISTED: read(*live) if live else EMPTY})


def test_a_job_that_has_completed_is_done(plan: Plan) -> None:
    assert done(plan, living("buckets-1", "SuccessCriteriaMet", "Complete")).commands == []


@pytest.mark.parametrize(
    ("live", "state", "outdated"),
    [
        ([], "has not run", "''"),
        ([living("buckets-0", "Complete")], "has not run", "buckets-0"),
        ([living("buckets-1")], "still runs", "''"),
        ([living("buckets-1", "FailureTarget", "Failed")], "failed", "buckets-1"),
    ],
    ids=["first", "another specification", "running", "failed"],
)
def test_a_job_that_has_not_is_run(plan: Plan, live: list[dict[str, Any]], state: str, outdated: str) -> None:
    planned = done(plan, *live)

    assert planned.reasons == [f"Job object-store/buckets-1 {state}"]
    [command] = planned.commands
    settings = f"namespace=object-store name=buckets-1 outdated={outdated} patience=300"
    assert settings in command.splitlines()[0]
    assert [json.loads(text)["items"] for text in planned.stdin] == [[JOB]]


def test_another_specification_is_another_job() -> None:
    one, same = jobs.named("buckets", JOB), jobs.named("buckets", {**JOB, "metadata": JOB["metadata"] | {}})
    other = jobs.named("buckets", {**JOB, "spec": {"backoffLimit": 5}})

    assert one == same
    assert one["metadata"]["name"] == "buckets-7b6002f205"
    assert other["metadata"]["name"] != one["metadata"]["name"]


@pytest.mark.parametrize(
    ("condition", "rc", "said"),
    [
        ("SuccessCriteriaMet Complete", 0, []),
        (
            "FailureTarget Failed",
            1,
            ["Job object-store/buckets-1 failed; its last words:", "get pods", "logs"],
        ),
        ("", 1, ["Job object-store/buckets-1 has not ended in 0 s:", "get pods", "logs"]),
    ],
    ids=["completes", "fails", "hangs"],
)
def test_a_host_waits_for_a_job_and_shows_how_it_failed(
    plan: Plan, tmp_path: Path, condition: str, rc: int, said: list[str]
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        "#!/bin/sh\ncase $*"
        f" in 'get job '*) echo '{condition}';;"
        " 'get pods'*) echo 'get pods';; logs*) echo logs;;"
        f" apply*) cat > {tmp_path}/applied;; esac\n"
    )
    kubectl.chmod(0o755)
    answers = {LISTED: EMPTY}
    planned = plan(jobs.done, JOB, patience=60 if condition else 0, answers=answers)

    ran = subprocess.run(
        ["sh", "-c", planned.commands[0]],
        input=planned.stdin[0],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr.splitlines()) == (rc, said)
    assert json.loads((tmp_path / "applied").read_text())["items"] == [JOB]
