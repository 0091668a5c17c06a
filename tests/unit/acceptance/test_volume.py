"""A volume that is written and read back, against an API that answers as real ones did."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from clusters import Ran, kubectl_words

from checks.acceptance import volume
from checks.acceptance.gates import Gate, silently
from checks.acceptance.hands import Kubectl
from checks.acceptance.volume import default, finding, objects

PATH = "get --raw /api/v1/namespaces/verify/pods/volume"
READ = 'content of file "/data/probe": mount-tester new file\n\n'


def storage(
    name: str, *, is_default: bool = True, reclaim: str = "Delete", created: str = ""
) -> dict[str, Any]:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if is_default else None
    metadata = {"name": name, "annotations": annotations, "creationTimestamp": created}
    return {"metadata": metadata, "reclaimPolicy": reclaim}


def pod(phase: str, **container: Any) -> dict[str, Any]:
    status = {"phase": phase, "containerStatuses": [{"state": container}]}
    return {"metadata": {"name": "volume"}, "spec": {"nodeName": "w1"}, "status": status}


@dataclass
class Api:
    classes: list[dict[str, Any]] | None = field(default_factory=lambda: [storage("local-path")])
    pods: list[dict[str, Any]] = field(default_factory=lambda: [pod("Pending"), pod("Succeeded")])
    log: str | None = READ
    refuses: str = ""
    made: list[dict[str, Any]] = field(default_factory=list)
    unreachable: dict[str, str] = field(default_factory=dict)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert (host, bool(timeout)) == ("cp1", True)
        words = kubectl_words(command)
        if words.startswith("create"):
            self.made += json.loads(stdin or "")["items"]
            return Ran(1, err=self.refuses) if self.refuses else Ran()
        if "log?container=reader" in words:
            return Ran(1, err="timed out") if self.log is None else Ran(out=self.log)
        if words == PATH:
            return Ran(out=json.dumps(self.pods.pop(0) if len(self.pods) > 1 else self.pods[0]))
        return Ran(1, err="refused") if self.classes is None else Ran(out=json.dumps({"items": self.classes}))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "USED", Gate("the probe's volume", 0.05, every=0.001))


def proven(api: Api) -> tuple[str, str]:
    found = finding(Kubectl(api, "cp1", "/etc/kubernetes/admin.conf"), "verify", "agnhost@sha256:a", silently)
    assert (found.check, found.host) == ("K8S-17", None)
    return found.status.value, found.found


def test_what_was_read_is_what_was_written() -> None:
    assert proven(Api()) == (
        "pass",
        'a volume of class local-path: content of file "/data/probe": mount-tester new file',
    )


@pytest.mark.parametrize(
    ("api", "said"),
    [
        (Api(classes=[]), "there is no storage class"),
        (
            Api(classes=[storage("nfs", is_default=False), storage("ceph", is_default=False)]),
            "no storage class is the default one (there are: ceph, nfs)",
        ),
        (
            Api(classes=[storage("nfs", reclaim="Retain")]),
            "the class nfs keeps its volumes, so a probe would leave one behind",
        ),
    ],
)
def test_without_a_default_class_that_cleans_up_nothing_is_made(api: Api, said: str) -> None:
    assert proven(api) == ("skipped", said)
    assert api.made == []


WAITING = {"waiting": {"reason": "ContainerCreating", "message": "mount failed"}}
PULL = {"waiting": {"reason": "ErrImagePull", "message": "refused"}}
ENDED = {"terminated": {"reason": "Error", "exitCode": 1}}


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        (Api(classes=None), ("unavailable", "refused")),
        (Api(refuses="forbidden: quota"), ("unavailable", "forbidden: quota")),
        (Api(pods=[pod("Pending", **WAITING)]), ("fail", "class local-path: ContainerCreating mount failed")),
        (Api(pods=[pod("Pending", **PULL)]), ("unavailable", "ErrImagePull refused")),
        (Api(pods=[{}]), ("unavailable", "its pod could not be read")),
        (Api(pods=[pod("Failed", **ENDED)]), ("fail", "class local-path: Error")),
        (Api(log=None), ("unavailable", "the log of the pod that read could not be read")),
        (Api(log=""), ("fail", "a volume of class local-path: nothing was read")),
        (Api(log="something else"), ("fail", "a volume of class local-path: something else")),
    ],
)
def test_nothing_but_the_written_text_is_a_pass(api: Api, expected: tuple[str, str]) -> None:
    assert proven(api) == expected


def test_of_several_default_classes_the_newest_is_meant_as_the_api_means_it() -> None:
    older, newer = storage("a", created="2026-01-01T00:00:00Z"), storage("b", created="2026-02-01T00:00:00Z")

    assert default([older, newer]).name == "b"
    assert default([newer, storage("aa", created="2026-02-01T00:00:00Z")]).name == "aa"


def test_the_writer_ends_before_the_reader_begins_and_neither_is_privileged() -> None:
    claim, pod = objects("verify", "agnhost@sha256:a")
    spec = pod["spec"]

    assert "storageClassName" not in claim["spec"]
    assert [each["args"] for each in (*spec["initContainers"], *spec["containers"])] == [
        ["mounttest", "--new_file_0644=/data/probe"],
        ["mounttest", "--file_content=/data/probe"],
    ]
    assert spec["volumes"] == [{"name": "volume", "persistentVolumeClaim": {"claimName": "volume"}}]
    assert {
        each["securityContext"]["runAsUser"] for each in (*spec["initContainers"], *spec["containers"])
    } == {spec["securityContext"]["fsGroup"]}
    assert "labels" not in pod["metadata"]
