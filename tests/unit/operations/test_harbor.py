"""Harbor's accounts: what is missing is made, by scripts that a shell ran against a curl that remembers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import HostError
from deploy.observe import harbor as observed
from deploy.observe.kube import Reach
from deploy.operations import harbor
from deploy.operations.harbor import Door
from deploy.operations.secrets import Where
from tests.unit.operations.conftest import MISSING, Plan, Planned, digested, read

DOOR = Door(
    "registry.home.arpa",
    "10.43.0.20",
    "/etc/kubernetes/pki/ca.crt",
    Where("slipway-system", "registry-harbor"),
    Where("slipway-system", "registry"),
)
ROBOT = {
    "id": 7,
    "name": "robot$slipway",
    "disable": False,
    "permissions": observed.permissions(["models"]),
}
FIRST = ("pull", "push", "list")
GOOD = ["project models 200", f"robots {json.dumps([ROBOT])}", "login 200", "end"]
# one curl for all: it writes what it was asked and given, and answers from a file per URL
CURL = """#!/bin/sh
given=$(cat); what=GET; url=; code=
for word in "$@"; do case $last in -X) what=$word;; esac
  case $word in -I) what=HEAD;; https://*) url=$word;; *http_code*) code=yes;; esac; last=$word; done
case $given in *'data = '*) [ "$what" = GET ] && what=POST;; esac
printf '%s %s\\n' "$what" "$url" >> "$SAID"
printf '%s\\n' "$given" | grep '^data' >> "$SAID"
case $what-$url in
  HEAD-*projects*) [ -n "$code" ] && printf 404; exit 22;;
  GET-*robots*) [ -e "$SAID.robot" ] && echo '[{"id":7,"name":"robot$slipway"}]' || echo '[]';;
  POST-*robots) : > "$SAID.robot";;
  GET-*v2/) printf 401;;
esac
exit 0
"""
KUBECTL = """#!/bin/sh
case "$*" in *admin-password*) printf admin-password-of-the-test;; *) printf robot-password-of-the-test;; esac
"""


def accounts(plan: Plan, *lines: str) -> Planned:
    answers = {"api/v2.0": [*lines]}
    return plan(harbor.accounts, DOOR, ("models",), "registry", answers=answers)


def robots(**change: Any) -> str:
    return f"robots {json.dumps([{**ROBOT, **change}])}"


def test_accounts_that_are_as_declared_are_left_alone(plan: Plan) -> None:
    assert accounts(plan, *GOOD).commands == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["project models 404", *GOOD[1:]], "project models is missing"),
        ([GOOD[0], "robots []", "login 401", "end"], "the robot account is missing"),
        ([GOOD[0], robots(disable=True), *GOOD[2:]], "the robot account is disabled"),
        (
            [GOOD[0], robots(permissions=observed.permissions(["other"])), *GOOD[2:]],
            f"the robot account may not {', '.join(f'{what} repository in models' for what in FIRST)}",
        ),
        ([*GOOD[:2], "login 401", "end"], "the robot account's password is not taken (401)"),
        ([*GOOD[:2], "login 0", "end"], "the robot account's password is not taken (no answer)"),
    ],
)
def test_what_is_missing_is_made_and_said(plan: Plan, lines: list[str], reason: str) -> None:
    planned = accounts(plan, *lines)

    assert planned.reasons == [reason]
    assert len(planned.commands) == 1


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["nothing"], "Harbor does not answer yet"),
        (["project models 0", "robots []", "login 0", "end"], "Harbor does not answer yet"),
        (["project models 502", "robots []", "login 0", "end"], "Harbor does not answer yet"),
        ([GOOD[0], "robots <html>", "login 200", "end"], "the list of robots: <html>"),
    ],
)
def test_a_harbor_that_does_not_answer_is_not_taken_for_an_empty_one(
    plan: Plan, lines: list[str], reason: str
) -> None:
    planned = accounts(plan, *lines)

    assert planned.notes.until == "registry"
    assert planned.reasons == [reason]


def test_a_host_that_was_cut_off_says_nothing_about_harbor(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        accounts(plan, *GOOD[:2])

    assert str(error.value).startswith("Harbor's accounts could not be read: project models 200; robots [")


def ran(folder: Path, command: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a script with our curl and kubectl; return what was asked and sent."""
    for name, text in {"curl": CURL, "kubectl": KUBECTL}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    said = folder / "said"
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SAID": str(said)}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=env, timeout=60)
    return done, said.read_text().splitlines()


def sent(line: str) -> Any:
    """Return what a request carried, as curl reads its configuration."""
    return json.loads(line.removeprefix('data = "').removesuffix('"').replace('\\"', '"'))


def test_an_empty_harbor_gets_its_project_its_robot_and_our_password(tmp_path: Path) -> None:
    command = harbor.script(DOOR, ["models"])
    done, said = ran(tmp_path, command)
    base = "https://registry.home.arpa/api/v2.0"

    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in said if not line.startswith("data")] == [
        f"GET {base}/systeminfo",
        f"HEAD {base}/projects?project_name=models",
        f"POST {base}/projects",
        f"GET {base}/robots?q=name=slipway&page_size=100",
        f"POST {base}/robots",
        f"GET {base}/robots?q=name=slipway&page_size=100",
        f"PUT {base}/robots/7",
        f"PATCH {base}/robots/7",
    ]
    project, made, updated, password = map(sent, (line for line in said if line.startswith("data")))
    assert project == {"project_name": "models", "metadata": {"public": "false"}, "storage_limit": -1}
    assert (made["name"], updated["name"]) == ("slipway", "robot$slipway")
    assert made["permissions"] == observed.permissions(["models"])
    assert password == {"secret": "robot-password-of-the-test"}
    assert "of-the-test" not in command


def test_a_robot_that_is_there_is_not_made_twice(tmp_path: Path) -> None:
    (tmp_path / "said.robot").touch()
    _, said = ran(tmp_path, harbor.script(DOOR, ["models"]))

    assert not [line for line in said if line.startswith("POST") and line.endswith("/robots")]


def test_what_is_read_says_how_each_was_answered(tmp_path: Path) -> None:
    command = observed.command(DOOR, ["models"]).partition("\n")[2]  # there is no cluster on this host
    done, _ = ran(tmp_path, command)

    assert observed.parse(done.stdout.splitlines()) == observed.Accounts(
        Reach.ANSWERS, {"models": 404}, None, 401
    )
    assert "of-the-test" not in command


def live(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadata",
        "metadata": {"name": "harbor-database", "namespace": "registry", **metadata},
    }


MARKED = {
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": "harbor", "meta.helm.sh/release-namespace": "registry"},
}


def handed(plan: Plan, *objects: dict[str, Any]) -> Planned:
    answers = {"as=PartialObjectMetadata": read(*objects)}
    return plan(harbor.handed_to_helm, Where("registry", "harbor-database"), "harbor", answers=answers)


def test_a_secret_that_helm_owns_is_left_alone(plan: Plan) -> None:
    assert handed(plan, live(**MARKED)).commands == []


@pytest.mark.parametrize("part", ["labels", "annotations"])
def test_a_secret_that_helm_would_refuse_is_marked(plan: Plan, part: str) -> None:
    planned = handed(plan, live(**{**MARKED, part: {}}))

    assert planned.reasons == ["Secret registry/harbor-database does not carry the marks of release harbor"]
    assert "meta.helm.sh/release-name=harbor" in planned.commands[0]


def test_the_key_of_harbors_tokens_is_made_once(plan: Plan) -> None:
    token = Where("registry", "harbor-token")

    def planned(**values: str) -> Planned:
        named = {f"tls.{key}": text for key, text in values.items()}
        there = digested(token.namespace, token.name, "kubernetes.io/tls", named) if values else MISSING
        return plan(harbor.signing_key, token, "registry", answers={"/secrets/harbor-token": there})

    assert planned(crt="c", key="k").commands == []
    assert planned().reasons == ["Secret registry/harbor-token is missing; registry makes it"]
    assert planned(crt="c").commands[0].count("rsa:4096") == 1
