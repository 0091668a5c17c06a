"""The object store as a pod's log shows it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from clusters import Ran, kubectl_words
from stores_world import STORED, said

from checks.acceptance import object_store
from checks.acceptance.gates import Gate
from checks.acceptance.hands import Kubectl
from checks.acceptance.object_store import SCRIPT, StoreProbe, closed, kept, told
from deploy.catalog import LockedImage
from deploy.model import ObjectStore

DIGEST = "a" * 64
LOG = f"""\
written {DIGEST}  -
put
read {DIGEST}  -
deleted
gone
bucket models
bucket registry
refused
"""
STORE = STORED.object_store
assert STORE is not None


SAID = "operation error S3: HeadObject, https response error StatusCode: 403, api error Forbidden: Forbidden"
NOISY = (
    "2026/11/30 08:00:00 NOTICE: Config file not found - using defaults\n"
    "2026/11/30 08:00:00 ERROR : Attempt 1/1 failed with 1 errors and: operation error S3: HeadObject,"
    " https response error StatusCode: 403, RequestID: 18E, HostID: 470, api error Forbidden: Forbidden\n"
)


def without(word: str) -> str:
    return "".join(line for line in LOG.splitlines(keepends=True) if not line.startswith(word))


def judged(log: str) -> tuple[str, str]:
    finding = kept(STORE, told(log), None)  # type: ignore[arg-type]
    return finding.status.value, finding.found


def test_an_object_that_came_back_the_same_and_is_gone_passes() -> None:
    assert judged(LOG) == ("pass", "1 MiB put into models, read back and deleted; 2 buckets")


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("", "1 MiB in models was not put or read back or deleted; no bucket models, registry can be listed"),
        (without("put"), "1 MiB in models was not put"),
        (without("read"), "1 MiB in models was not read back"),
        (LOG.replace(f"read {DIGEST}", f"read {'b' * 64}"), "1 MiB in models was not read back"),
        (without("written"), "1 MiB in models was not read back"),
        (without("deleted"), "1 MiB in models was not deleted"),
        (without("gone"), "1 MiB in models was not deleted"),
        (without("bucket registry"), "no bucket registry can be listed"),
        (
            without("put") + NOISY,
            f"1 MiB in models was not put: {SAID}",
        ),
        (without("put") + NOISY.splitlines()[0] + "\nKilled\n", "1 MiB in models was not put: Killed"),
    ],
)
def test_whatever_is_missing_of_the_round_is_found(log: str, found: str) -> None:
    assert judged(log) == ("fail", found)


@pytest.mark.parametrize(
    ("log", "status"),
    [
        (LOG, "pass"),
        (LOG.replace("refused", "open"), "fail"),
        (without("refused"), "unavailable"),
        ("", "unavailable"),
    ],
)
def test_only_a_refusal_is_one(log: str, status: str) -> None:
    assert closed(told(log), None).status.value == status


@dataclass
class Api:
    phase: str = "Succeeded"
    log: str | None = LOG
    refuses: str = ""
    made: list[dict[str, Any]] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    unreachable: dict[str, str] = field(default_factory=dict)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert (host, bool(timeout)) == ("cp1", True)
        words = kubectl_words(command)
        self.ran.append(words)
        if words.startswith("create"):
            self.made += json.loads(stdin or "")["items"]
            return Ran(1, err=self.refuses) if self.refuses else Ran()
        if words.endswith("/log"):
            return Ran(1, err="timed out") if self.log is None else Ran(out=self.log)
        if words.startswith("get --raw"):
            status = {"phase": self.phase, "containerStatuses": [{"state": {"waiting": {"reason": "Pulls"}}}]}
            return Ran(
                out=json.dumps({"metadata": {"name": "x"}, "spec": {"nodeName": "w1"}, "status": status})
            )
        return Ran()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "ENDED", Gate("the object store's probe", 0.05, every=0.001))


def proven(api: Api, store: ObjectStore | None = STORE) -> list[tuple[str, str, str]]:
    assert store is not None
    image = LockedImage("docker.io/rclone/rclone:1", f"sha256:{DIGEST}")
    kubectl = Kubectl(api, "cp1", "/etc/kubernetes/admin.conf")
    return said(StoreProbe(store, "R1", image, kubectl, lambda _: None).findings())


def test_a_pod_asks_the_store_and_is_gone() -> None:
    api = Api()

    assert [(check, status) for check, status, _ in proven(api)] == [("S3-02", "pass"), ("S3-04", "pass")]
    assert api.ran[-1] == (
        "delete pods --namespace=object-store --ignore-not-found --wait=false slipway-verify-r1"
    )


@pytest.mark.parametrize(
    ("api", "found"),
    [
        (Api(refuses="forbidden"), "forbidden"),
        (Api(phase="Pending", log=None), "Pulls"),
        (Api(log=None), "the pod's log could not be read"),
    ],
    ids=["refused", "never starts", "no log"],
)
def test_a_pod_that_said_nothing_proves_nothing(api: Api, found: str) -> None:
    assert proven(api) == [("S3-02", "unavailable", found), ("S3-04", "unavailable", found)]


def test_keys_come_from_the_secret_and_are_nowhere_else() -> None:
    api = Api()
    proven(api)

    [pod] = api.made
    [container] = pod["spec"]["containers"]
    keys = [
        each
        for each in container["env"]
        if each["name"].startswith("RCLONE_CONFIG_STORE_") and "KEY" in each["name"]
    ]
    assert [each["valueFrom"]["secretKeyRef"] for each in keys] == [
        {"name": "object-store-user", "key": "access-key"},
        {"name": "object-store-user", "key": "secret-key"},
    ]
    assert not any("KEY" in each["name"] for each in container["env"] if "ANYONE" in each["name"])
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def run(folder: Path, refused: int = 0) -> str:
    """Run the script with an rclone that keeps one object in a file, and is refused so many times before."""
    (folder / "rclone").write_text(
        f"""#!/bin/sh
echo >>{folder}/calls
[ $(wc -l <{folder}/calls) -gt {refused} ] || {{ echo 'ERROR : : dial tcp: connection refused' >&2; exit 1; }}
case $*:$1 in
  *anyone*) echo 'AccessDenied: no' >&2; exit 1;;
  *:copyto) case $2 in store:*) cp {folder}/object "$3";; *) cp "$2" {folder}/object;; esac;;
  *:deletefile) rm {folder}/object;;
  *:lsf) case $* in *--files-only*) ;; *) echo folder/;; esac; [ ! -e {folder}/object ] || echo it;;
esac
"""
    )
    (folder / "sleep").write_text("#!/bin/sh\n")
    for program in ("rclone", "sleep"):
        (folder / program).chmod(0o755)
    script = SCRIPT.replace("/tmp/", f"{folder}/")
    environment = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "BUCKET": "models",
        "BUCKETS": "models registry",
        "OBJECT": "o",
    }
    ran = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True)
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("refused", [0, 9], ids=["at once", "not before the node knows the pod"])
def test_the_script_says_what_it_did(tmp_path: Path, refused: int) -> None:
    said = run(tmp_path, refused)

    assert judged(said) == ("pass", "1 MiB put into models, read back and deleted; 2 buckets")
    assert "refused" in told(said).facts


def test_a_store_that_lets_nobody_in_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    status, found = judged(run(tmp_path, refused=1000))

    assert status == "fail"
    assert "connection refused" in found
