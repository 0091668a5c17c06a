"""What starts k3s and comes back: run for real, with programs that answer as systemd and k3s would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.observe import k3s as observed
from deploy.operations.k3s import started_script

SYSTEMCTL = """#!/bin/sh
case "$*" in *ActiveState*) echo {state};; *InvocationID*) echo 1;; *) echo "$*" >> {calls};; esac
"""
JOURNALCTL = """#!/bin/sh
case "$*" in *"-t k3s") grep -v "^systemd: " {log} ;; *) cat {log} ;; esac
"""
AGENT = "k3s-agent.service"
REFUSED = {
    "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match": (
        "the cluster remembers another machine as a1. When that machine is gone for good, run"
        " `kubectl -n kube-system delete secret a1.node-password.k3s` on a server and apply again."
    ),
    "token CA hash does not match the Cluster CA certificate hash: aa != bb": (
        "the token is of a cluster with another CA: the server was made anew, or its CA was changed."
        " Apply again to fetch the token of the cluster as it is."
    ),
    "https://10.0.0.1:6443/v1-k3s/config: 401 Unauthorized (Unauthorized)": (
        "the server does not accept the token. Apply again to fetch the one that it accepts."
    ),
    "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time": (
        "a certificate is not valid now: the clocks of a1 and the server differ, or it has expired;"
        " compare `date` on both."
    ),
    "tls: failed to verify certificate: x509: certificate signed by unknown authority": (
        "the server shows a certificate that the cluster's CA did not sign: another cluster answers at that"
        " address, or the CA was changed."
    ),
    "etcd cluster join failed: duplicate node name found, please use a unique name for this node": (
        "etcd still has a member of that name, and this host has lost its data. When that is gone for good,"
        " run `kubectl delete node a1` on another server, which takes the member away, and apply again."
    ),
    "preparing server: failed to validate server configuration: critical configuration value mismatch": (
        "its config.yaml differs from the other servers' in what all must share; its log names the options."
        " Put them back as the cluster was made with."
    ),
    "preparing server: bootstrap data already found and encrypted with different token": (
        "the cluster's state is encrypted with another token than this server has. Apply again to fetch the"
        " one that the cluster has."
    ),
    "flag provided but not defined: -tls-san": (
        "config.yaml, or a file in config.yaml.d, has a key that this role of k3s does not take."
    ),
}


def run(tmp_path: Path, log: str, *, state: str = "activating", seconds: int = 60) -> tuple[int, str]:
    (tmp_path / "log").write_text(log)
    for name, text in (("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL)):
        (tmp_path / name).write_text(text.format(state=state, calls=tmp_path / "calls", log=tmp_path / "log"))
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", started_script("start", AGENT, "a1", seconds)],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", REFUSED)
def test_what_waiting_does_not_mend_is_named_long_before_the_bound(tmp_path: Path, words: str) -> None:
    line = f'time="2026-11-30T01:00:00Z" level=error msg="Failed to validate connection: {words}"'

    code, said = run(tmp_path, f"{line}\n" * observed.LASTING)

    assert code == 1
    assert said.splitlines() == [f"{AGENT} did not come up: {REFUSED[words]}", *[line] * observed.LASTING]
    assert (tmp_path / "calls").read_text() == f"--no-block start -- {AGENT}\n"


def test_a_server_that_does_not_answer_is_waited_for_until_the_bound(tmp_path: Path) -> None:
    line = "dial tcp 10.0.0.1:6443: connect: connection refused"

    code, said = run(tmp_path, f"{line}\n" * 9, seconds=1)

    assert code == 1
    assert said.splitlines()[0] == (
        f"{AGENT} did not come up: the server did not answer; see that it runs, and that port 6443 is open"
        " from a1."
    )


def test_k3s_that_ends_after_every_start_is_not_taken_for_refused_and_its_words_are_shown(
    tmp_path: Path,
) -> None:
    line = 'time="2026-11-30T01:00:00Z" level=fatal msg="--server: the k3s stand-in has one server"'

    code, said = run(tmp_path, f"{line}\n" * 9, seconds=1)

    assert code == 1
    assert said.splitlines() == [
        f"{AGENT} did not come up: k3s ends soon after every start; its last words say why:",
        *[line] * 8,
    ]


def test_what_systemd_says_beside_is_shown_only_where_k3s_says_nothing(tmp_path: Path) -> None:
    fatal = 'time="2026-11-30T01:00:00Z" level=fatal msg="--etcd-s3 is not an option"'
    systemd = f"systemd: {AGENT}: Unit process 1503 (containerd-shim) remains running after unit stopped."

    _, both = run(tmp_path, f"{fatal}\n" + f"{systemd}\n" * 9, seconds=1)
    _, alone = run(tmp_path, f"systemd: {AGENT}: Failed to locate executable\n", seconds=1)

    assert both.splitlines()[1:] == [fatal]
    assert alone.splitlines()[1:] == [f"systemd: {AGENT}: Failed to locate executable"]


def test_a_cause_that_nobody_knows_is_shown_as_it_is(tmp_path: Path) -> None:
    code, said = run(tmp_path, "something odd\n", seconds=1)

    assert code == 1
    assert said.splitlines() == [
        f"{AGENT} did not come up: its log names no cause that slipway knows; its last words:",
        "something odd",
    ]


def test_one_refusal_of_a_server_that_is_just_starting_is_not_believed(tmp_path: Path) -> None:
    code, said = run(tmp_path, "401 Unauthorized\n", seconds=2)

    assert code == 1
    assert "does not accept the token" in said


@pytest.mark.skipif(shutil.which("grep") is None, reason="needs grep")
def test_every_pattern_is_one_that_grep_and_python_read_alike() -> None:
    for cause in observed.CAUSES:
        re.compile(cause.words)
        done = subprocess.run(
            ["grep", "-E", cause.words], input="", text=True, check=False, capture_output=True
        )
        assert (done.returncode, done.stderr) == (1, "")


def test_a_client_that_the_api_server_turns_away_is_no_cause(tmp_path: Path) -> None:
    client = (
        'E1130 01:00:00.797448 5942 authentication.go:75] "Unable to authenticate the request" err="verifying'
        ' certificate SN=4, SKID=, AKID=F5:18 failed: x509: certificate signed by unknown authority"'
    )

    code, said = run(tmp_path, f"{client}\n" * 9 + "something odd\n", seconds=1)

    assert code == 1
    assert said.splitlines() == [
        f"{AGENT} did not come up: its log names no cause that slipway knows; its last words:",
        "something odd",
    ]
