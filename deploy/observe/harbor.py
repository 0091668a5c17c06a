"""Harbor's projects and robot account, as its API shows them, and what must be done about them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.observe import kube
from deploy.observe.secrets import Where

ROBOT = "slipway"
# what the robot may do in every project (goharbor/harbor src/common/rbac/const.go)
RIGHTS = (
    ("repository", "pull"),
    ("repository", "push"),
    ("repository", "list"),
    ("repository", "delete"),
    ("artifact", "read"),
    ("artifact", "list"),
    ("artifact", "delete"),
    ("tag", "list"),
    ("tag", "create"),
    ("tag", "delete"),
)
SECONDS = 20
NO_CLUSTER = f"{kube.MARK}no cluster"
# what curl reads on its standard input: the account, and with it what a request sends, quoted as it wants it
CONFIG = r"""config() {
  printf 'user = "%s:%s"\n' "$1" "$2"
  [ -z "$body" ] || printf 'data = "%s"\n' "$(printf %s "$body" | sed 's/["\\]/\\&/g')"
}"""


@dataclass(frozen=True, slots=True)
class Door:
    """Where Harbor is, for a host: its name, the Service's address, the CA; the Secrets of its accounts."""

    hostname: str
    address: str
    ca: str
    admin: Where
    robot: Where

    def shell(self) -> str:
        """Return functions of a shell: `admin WORDS` and `robot WORDS` run curl as one of the two.

        Passwords are read from the cluster into variables and given to curl on its standard input, so they
        are in no list of processes. What a request sends is `body`.
        """
        curl = shlex.join(
            [
                *("curl", "-sS", "-K", "-", "--cacert", self.ca),
                *("--connect-timeout", "5", "-m", str(SECONDS)),
                *("--resolve", f"{self.hostname}:443:{self.address}", "-H", "Content-Type: application/json"),
            ]
        )
        return "\n".join(
            [
                f"base=https://{shlex.quote(self.hostname)}",
                f"admin_password=$({_value(self.admin, 'admin-password')})",
                f"robot_password=$({_value(self.robot, 'password')})",
                CONFIG,
                f'admin() {{ config admin "$admin_password" | {curl} "$@"; }}',
                f'robot() {{ config {shlex.quote(f"robot${ROBOT}")} "$robot_password" | {curl} "$@"; }}',
                "body=",
            ]
        )


def _value(where: Where, key: str) -> str:
    template = f'go-template={{{{if .data}}}}{{{{index .data "{key}" | base64decode}}}}{{{{end}}}}'
    words = ["kubectl", "get", "secret", where.name, f"--namespace={where.namespace}", "--ignore-not-found"]
    return shlex.join([*words, "-o", template])


@dataclass(frozen=True, slots=True)
class Accounts:
    """What was seen: HTTP answers by project, the robot (None: there is none), its login's answer."""

    reach: kube.Reach
    projects: dict[str, int] = field(default_factory=dict)
    robot: dict[str, Any] | None = None
    login: int = 0
    errors: tuple[str, ...] = ()


def command(door: Door, projects: Sequence[str]) -> str:
    """Return what asks Harbor; where the cluster has no Harbor yet, nothing is asked."""
    status = "-o /dev/null -w '%{http_code}'"
    lines = [
        f"[ -s {kube.KUBECONFIG} ] && command -v kubectl >/dev/null || {{ echo '{NO_CLUSTER}'; exit 0; }}",
        kube.ENVIRONMENT,
        door.shell(),
        '[ -n "$admin_password" ] || { echo nothing; exit 0; }',
        *(
            f'echo project {name} $(admin {status} -I "$base/api/v2.0/projects?project_name={name}" 2>&1)'
            for name in projects
        ),
        f'echo robots $(admin "$base/api/v2.0/robots?q=name={ROBOT}&page_size=100" 2>&1)',
        f'echo login $(robot {status} "$base/v2/" 2>&1)',
        "echo end",
    ]
    return "\n".join(lines)


def parse(lines: Sequence[str]) -> Accounts:
    """Return what was printed; an answer that is none is an error, never an empty one."""
    if NO_CLUSTER in lines:
        return Accounts(kube.Reach.NO_CLUSTER)
    if "nothing" in lines:
        return Accounts(kube.Reach.ANSWERS)
    if "end" not in lines:
        return Accounts(kube.Reach.SILENT, errors=tuple(lines[-3:]))
    projects: dict[str, int] = {}
    robot: dict[str, Any] | None = None
    login, errors = 0, []
    for line in lines:
        what, _, rest = line.partition(" ")
        if what == "project":
            name, _, answer = rest.partition(" ")
            projects[name] = int(answer) if answer.isdigit() else 0
        elif what == "robots":
            try:
                found = json.loads(rest)
                robot = next((each for each in found if each["name"].endswith(f"${ROBOT}")), None)
            except (ValueError, TypeError, KeyError):
                errors.append(f"the list of robots: {rest[:200]}")
        elif what == "login":
            login = int(rest) if rest.isdigit() else 0
    return Accounts(kube.Reach.ANSWERS, projects, robot, login, tuple(errors))


def permissions(projects: Sequence[str]) -> list[dict[str, Any]]:
    """Return the robot's rights as Harbor's API takes them."""
    access = [{"resource": resource, "action": action} for resource, action in RIGHTS]
    return [{"kind": "project", "namespace": name, "access": access} for name in projects]


def missing_rights(robot: dict[str, Any], projects: Sequence[str]) -> list[str]:
    """Return what the robot may not do, though it should."""
    has = {
        (each.get("namespace"), one.get("resource"), one.get("action"))
        for each in robot.get("permissions") or ()
        for one in each.get("access") or ()
    }
    return [
        f"{action} {resource} in {project}"
        for project in projects
        for resource, action in RIGHTS
        if (project, resource, action) not in has
    ]
