"""What fetches and serves models: made once, made anew when it failed, and waited for with the cause."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.operations import models, serving_images, waiting
from deploy.operations.images import Image
from deploy.operations.models import Rollout, Wanted
from tests.unit.operations.conftest import NO_CLUSTER, Plan, read

LABEL = "slipway.dev/model"
DONE = {"conditions": [{"type": "Complete", "status": "True"}], "completionTime": "2026-11-30T08:00:00Z"}
FAILED = {"conditions": [{"type": "Failed", "status": "True"}]}
VLLM = Image("docker.io/vllm/vllm-openai-cpu:v0.32.0", f"sha256:{'a' * 64}")


def job(name: str, status: dict[str, Any] | None = None, model: str = "tiny") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "models", "labels": {LABEL: model}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "status": status or {}}


def claim(made: str = "2026-11-30T07:00:00Z") -> dict[str, Any]:
    metadata = {"name": "model-tiny-1", "namespace": "models", "creationTimestamp": made}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}


def deployment(ready: int) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "model-tiny", "namespace": "models", "generation": 1},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": ready},
    }


WANTED = Wanted(job("model-tiny-new"), "model-tiny-1", 900)


def completed(plan: Plan, jobs: list[Any], claims: list[Any] | None = None) -> Any:
    answers = {"batch/v1": read(*jobs, *([claim()] if claims is None else claims))}
    return plan(models.completed, "models", LABEL, [WANTED], answers=answers)


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
    jobs = [job("model-tiny-new", DONE), job("model-tiny-old", DONE), job("model-big-1", DONE, "big")]

    planned = completed(plan, jobs)

    assert planned.reasons == ["model-tiny-old is of an older content"]
    assert "--cascade=foreground model-tiny-old >/dev/null" in planned.commands[0]
    assert "model-big" not in planned.commands[0]
    assert "wait_job model" not in planned.commands[0]


def test_before_there_is_a_cluster_the_fetch_is_planned(plan: Plan) -> None:
    planned = plan(models.completed, "models", LABEL, [WANTED], answers={"batch/v1": NO_CLUSTER})

    assert len(planned.commands) == 1
    assert planned.notes.until == "control-plane"


def test_a_claim_that_is_there_is_left_as_it_is(plan: Plan) -> None:
    larger = {**claim(), "spec": {"resources": {"requests": {"storage": "9Ti"}}}}

    there = plan(models.claimed, [larger], "storage", answers={"/persistentvolumeclaims/": read(claim())})
    missing = plan(models.claimed, [larger], "storage", answers={"/persistentvolumeclaims/": read()})

    assert there.commands == []
    assert missing.reasons == ["PersistentVolumeClaim models/model-tiny-1 is missing"]
    assert len(missing.commands) == 1


def test_a_model_is_waited_for_until_it_is_ready(plan: Plan) -> None:
    wanted = [Rollout("model-tiny", f"{LABEL}=tiny", 500)]

    good = plan(models.ready, "models", wanted, "serving", answers={"/deployments/": read(deployment(1))})
    late = plan(models.ready, "models", wanted, "serving", answers={"/deployments/": read(deployment(0))})
    none = plan(models.ready, "models", wanted, "serving", answers={"/deployments/": read()})

    assert good.commands == []
    assert late.reasons == ["Deployment models/model-tiny has 0 of 1 pods ready"]
    assert late.commands[0].endswith(f"wait_deployment model-tiny {LABEL}=tiny 500")
    assert (none.reasons, none.notes.until) == (["Deployment model-tiny is not there yet"], "serving")


@pytest.mark.parametrize("operation", [serving_images.begun, serving_images.pulled])
def test_an_image_that_is_there_is_not_pulled(plan: Plan, operation: Any) -> None:
    there = f"REF TYPE DIGEST SIZE\n{VLLM.ref} application/x {VLLM.digest} 3 GiB\n# end"

    assert plan(operation, [VLLM], "/etc/certs", answers={"images list": there}).commands == []


def test_a_big_image_is_begun_without_waiting_and_then_waited_for(plan: Plan) -> None:
    bare = {"images list": "REF TYPE DIGEST SIZE\n# end"}

    begun = plan(serving_images.begun, [VLLM], "/etc/certs", answers=bare)
    pulled = plan(serving_images.pulled, [VLLM], "/etc/certs", answers=bare)

    [start], [wait] = begun.commands, pulled.commands
    assert begun.reasons == [f"{VLLM.ref} is missing, and is pulled meanwhile"]
    assert start.startswith(f"systemctl --quiet is-active {serving_images.UNIT} || {{")
    assert "journalctl" not in start
    assert f"--hosts-dir /etc/certs --skip-metadata {VLLM.by_digest}" in start
    assert f"journalctl -u {serving_images.UNIT}" in wait


KUBECTL = """#!/bin/sh
case "$*" in
*"get job "*) echo "$JOB" ;;
*"get pods"*"Statuses[*].state.waiting.reason}"*) echo "$WAITING" ;;
*"get pods"*restartCount}*) echo "$RESTARTS" ;;
*"get pods"*) echo "model-tiny-1: Running ContainersNotReady $WAITING OOMKilled" ;;
*logs*) echo 'the last line that it wrote' ;;
*"get events"*) echo 'model-tiny-1: Back-off restarting' ;;
*"rollout status"*) [ -n "$ROLLED" ] ;;
esac
"""


def waited(tmp_path: Path, words: str, **said: str) -> subprocess.CompletedProcess[str]:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "kubectl").write_text(KUBECTL)
    (tools / "kubectl").chmod(0o755)
    empty = dict.fromkeys(("JOB", "WAITING", "RESTARTS", "ROLLED"), "")
    return subprocess.run(
        ["/bin/sh", "-c", f"{waiting.prelude('models')}\n{words}"],
        env={"PATH": f"{tools}:{os.environ['PATH']}", **empty, **said},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_wait_ends_when_what_it_waits_for_is_there(tmp_path: Path) -> None:
    words = f"{waiting.job('j', 5)} && {waiting.deployment('model-tiny', 'a=b', 5)}"

    assert waited(tmp_path, words, JOB="Complete ", ROLLED="yes").returncode == 0


@pytest.mark.parametrize(
    ("words", "said", "first"),
    [
        (waiting.job("j", 5), {"JOB": "Failed "}, "Job j failed:"),
        (waiting.job("j", 0), {}, "Job j is not done after 0 s:"),
        (waiting.deployment("model-tiny", "a=b", 0), {}, "Deployment model-tiny is not ready after 0 s:"),
        (
            waiting.deployment("model-tiny", "a=b", 60),
            {"WAITING": "CrashLoopBackOff", "RESTARTS": "3"},
            "The pods of model-tiny keep ending:",
        ),
    ],
)
def test_a_wait_that_fails_says_why(tmp_path: Path, words: str, said: dict[str, str], first: str) -> None:
    ended = waited(tmp_path, words, **said)

    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert lines[0] == first
    assert lines[1].startswith("model-tiny-1: Running ContainersNotReady")
    assert lines[2:] == [
        "the last line that it wrote",
        "model-tiny-1: Back-off restarting",
        "The memory of the pod is too small: raise models[].memory",
    ]
