"""Jobs that run once: made when they are missing, and made anew when what they did does not hold any more."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import HostError
from deploy.operations import jobs
from deploy.operations.jobs import Left, Look, Wanted
from deploy.operations.kube import SILENT
from deploy.operations.secrets import Where
from tests.unit.operations.conftest import FORBIDDEN, NO_CLUSTER, Plan, Planned, read

LABEL = "slipway.dev/model"
DONE = {"conditions": [{"type": "Complete", "status": "True"}], "completionTime": "2026-11-30T08:00:00Z"}
FAILED = {"conditions": [{"type": "Failed", "status": "True"}]}


def job(name: str, status: dict[str, Any] | None = None, model: str = "tiny") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "models", "labels": {LABEL: model}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "status": status or {}}


def claim(made: str = "2026-11-30T07:00:00Z") -> dict[str, Any]:
    metadata = {"name": "model-tiny-1", "namespace": "models", "creationTimestamp": made}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}


WANTED = Wanted(job("model-tiny-new"), "model-tiny-1", 900)


def completed(plan: Plan, live: list[Any], claims: list[Any] | None = None) -> Any:
    answers = {"batch/v1": read(*live, *([claim()] if claims is None else claims))}
    return plan(jobs.completed, "models", LABEL, [WANTED], answers=answers)


def test_a_job_that_is_done_is_left_alone(plan: Plan) -> None:
    planned = completed(plan, [job("model-tiny-new", DONE)])

    assert (planned.commands, planned.reasons) == ([], [])


def test_a_job_that_is_missing_is_made_and_waited_for(plan: Plan) -> None:
    planned = completed(plan, [])

    assert planned.reasons == ["Job model-tiny-new is missing"]
    [command] = planned.commands
    assert command.endswith("wait_job model-tiny-new 900")
    assert "kubectl delete job" not in command
    assert json.loads(planned.stdin[0])["items"] == [WANTED.job]


def test_a_job_at_work_is_only_waited_for(plan: Plan) -> None:
    planned = completed(plan, [job("model-tiny-new")])

    assert planned.reasons == ["Job model-tiny-new is not done yet"]
    assert "kubectl apply" not in planned.commands[0]
    assert "kubectl delete" not in planned.commands[0]
    assert planned.commands[0].endswith("wait_job model-tiny-new 900")


@pytest.mark.parametrize(
    ("status", "claims", "why"),
    [
        (FAILED, [claim()], "Job model-tiny-new failed, and is tried again"),
        (DONE, [], "Job model-tiny-new filled a volume that is gone, and is run again"),
        (
            DONE,
            [claim("2026-11-30T09:00:00Z")],
            "Job model-tiny-new filled a volume that is gone, and is run again",
        ),
    ],
)
def test_a_job_that_does_not_hold_any_more_is_made_anew(
    plan: Plan, status: dict[str, Any], claims: list[Any], why: str
) -> None:
    planned = completed(plan, [job("model-tiny-new", status)], claims)

    assert planned.reasons == [why]
    assert "--cascade=foreground model-tiny-new" in planned.commands[0]
    assert "kubectl apply" in planned.commands[0]


def test_jobs_of_an_older_content_go_and_those_of_other_models_stay(plan: Plan) -> None:
    live = [job("model-tiny-new", DONE), job("model-tiny-old", DONE), job("model-big-1", DONE, "big")]

    planned = completed(plan, live)

    assert planned.reasons == ["model-tiny-old is of an older content"]
    assert "--cascade=foreground model-tiny-old >/dev/null" in planned.commands[0]
    assert "model-big" not in planned.commands[0]
    assert "wait_job model" not in planned.commands[0]


def test_before_there_is_a_cluster_the_fetch_is_planned(plan: Plan) -> None:
    planned = plan(jobs.completed, "models", LABEL, [WANTED], answers={"batch/v1": NO_CLUSTER})

    assert len(planned.commands) == 1
    assert planned.notes.until == "control-plane"


KEY = Where("models", "store-user")
READING = Wanted(WANTED.job, WANTED.claim, WANTED.seconds, (KEY,))


def reading(plan: Plan, *said: str) -> Planned:
    """Plan a Job that has completed and read a Secret, of which the API says this beside its values."""
    answers = {
        "as=PartialObjectMetadata": "\n".join(said) or read(),
        "batch/v1": read(job("model-tiny-new", DONE), claim()),
    }
    return plan(jobs.completed, "models", LABEL, [READING], answers=answers)


def secret(*times: str) -> str:
    fields = [{"time": f"2026-11-30T{each}Z"} for each in times]
    metadata = {"name": KEY.name, "namespace": KEY.namespace, "managedFields": fields}
    return read({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata})


def test_a_job_whose_secret_was_made_anew_is_run_again(plan: Plan) -> None:
    planned = reading(plan, secret("07:00:00", "08:00:01"))

    why = "Job model-tiny-new read Secret models/store-user, which changed since, and is run again"
    assert planned.reasons == [why]
    assert "--cascade=foreground model-tiny-new" in planned.commands[0]
    assert planned.commands[0].endswith("wait_job model-tiny-new 900")


def test_a_job_whose_secret_is_older_is_left_alone(plan: Plan) -> None:
    assert reading(plan, secret("07:00:00", "08:00:00")).commands == []


def test_a_secret_that_cannot_be_read_is_no_unchanged_one(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        reading(plan, FORBIDDEN)

    assert str(error.value) == f"{SILENT}\nhttps://api/x: forbidden"


LEFT = Left("bucket", ("models", "registry"), Look("models", "store-0", "store", "ls; echo end"))
LEAVING = Wanted(WANTED.job, WANTED.claim, WANTED.seconds, left=LEFT)
NO_SHELL = 'OCI runtime exec failed: exec failed: exec: "sh": executable file not found in $PATH: unknown'


def leaving(plan: Plan, *said: str, status: dict[str, Any] = DONE) -> Planned:
    """Plan a Job whose traces a container shows by saying this."""
    answers = {"kubectl exec": list(said), "batch/v1": read(job("model-tiny-new", status), claim())}
    return plan(jobs.completed, "models", LABEL, [LEAVING], answers=answers)


@pytest.mark.parametrize("said", [["models", "registry", "other", "end"], [NO_SHELL]], ids=["there", "blind"])
def test_a_job_whose_traces_are_there_or_can_be_seen_by_nobody_is_left_alone(
    plan: Plan, said: list[str]
) -> None:
    planned = leaving(plan, *said)

    assert (planned.commands, planned.reasons) == ([], [])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["registry", "end"], "bucket models is gone; Job model-tiny-new is run again"),
        (["*", "end"], "bucket models is gone, bucket registry is gone; Job model-tiny-new is run again"),
        (
            ["models", "registry"],
            "each bucket could not be looked for (registry); Job model-tiny-new is run again",
        ),
        (
            ['pods "store-0" not found'],
            'each bucket could not be looked for (pods "store-0" not found); Job model-tiny-new is run again',
        ),
        ([], "each bucket could not be looked for (no answer in 15 s); Job model-tiny-new is run again"),
    ],
    ids=["one gone", "all gone", "cut off", "no pod", "silence"],
)
def test_a_job_is_run_again_when_what_it_left_is_gone_or_nobody_can_tell(
    plan: Plan, said: list[str], why: str
) -> None:
    planned = leaving(plan, *said)

    assert planned.reasons == [why]
    assert "--cascade=foreground model-tiny-new" in planned.commands[0]
    assert planned.commands[0].endswith("wait_job model-tiny-new 900")


def test_what_a_job_at_work_leaves_is_not_looked_for(plan: Plan) -> None:
    assert leaving(plan, "end", status={}).reasons == ["Job model-tiny-new is not done yet"]


def test_another_specification_is_another_job() -> None:
    first = {"metadata": {"namespace": "object-store"}, "spec": {"backoffLimit": 4}}
    one, same = jobs.named("buckets", first), jobs.named("buckets", {**first})
    other = jobs.named("buckets", {**first, "spec": {"backoffLimit": 5}})

    assert one == same
    assert one["metadata"]["name"] == "buckets-7b6002f205"
    assert other["metadata"]["name"] != one["metadata"]["name"]


@pytest.mark.parametrize(
    ("condition", "rc", "said"),
    [
        ("SuccessCriteriaMet Complete", 0, []),
        ("FailureTarget Failed", 1, ["Job model-tiny-new failed:", "its pods", "its log", "its pods"]),
    ],
    ids=["completes", "fails"],
)
def test_a_host_makes_a_job_waits_for_it_and_shows_how_it_failed(
    plan: Plan, tmp_path: Path, condition: str, rc: int, said: list[str]
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        "#!/bin/sh\ncase $*"
        f" in 'get job '*) echo '{condition}';;"
        " 'get pods'*|'get events'*) echo 'its pods';; logs*) echo 'its log';;"
        f" apply*) cat > {tmp_path}/applied;; esac\n"
    )
    kubectl.chmod(0o755)
    planned = completed(plan, [])

    ran = subprocess.run(
        ["sh", "-c", planned.commands[0]],
        input=planned.stdin[0],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr.splitlines()) == (rc, said)
    assert json.loads((tmp_path / "applied").read_text())["items"] == [WANTED.job]
