"""What serves models: volumes made once, images pulled before, and Deployments waited for with the cause."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.operations import models, serving_images, waiting
from deploy.operations.images import Image
from deploy.operations.models import Rollout
from tests.unit.operations.conftest import Plan, read

LABEL = "slipway.dev/model"
VLLM = Image("docker.io/vllm/vllm-openai-cpu:v0.32.0", f"sha256:{'a' * 64}")


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
*"get pods"*) echo "model-tiny-1: Running ContainersNotReady $WAITING $ENDED" ;;
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
    empty["ENDED"] = "OOMKilled"
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


@pytest.mark.parametrize("message", ["1 Insufficient memory.", "1 cannot allocate all claims."])
def test_a_pod_without_a_place_is_told_who_may_hold_it(tmp_path: Path, message: str) -> None:
    ended = waited(tmp_path, waiting.deployment("model-tiny", "a=b", 0), ENDED=message)

    assert ended.stderr.splitlines()[-1] == (
        "No node has that much left: lower cpu, memory or gpus, or free some; models that are declared no"
        " more keep theirs, and slipway verify --passive names them (SRV-11)"
    )
