from __future__ import annotations

import base64

import pytest

from deploy.errors import HostError
from deploy.operations import host
from deploy.operations.files import File
from tests.unit.operations.conftest import Plan

FILES, NAMES = "stat --printf='%F", "uname -n"
DEBIAN = "127.0.0.1\tlocalhost\n127.0.1.1\tw1.home.arpa w1\n"
NODES = [("10.0.0.1", ("cp1",)), ("10.0.0.2", ("w1",))]
OURS = (
    "# slipway: the cluster's nodes; edit the inventory instead\n10.0.0.1 cp1\n10.0.0.2 w1\n# slipway: end\n"
)


def answers(live: str, hosts: str) -> dict[str, list[str]]:
    own = [File("/etc/hostname", f"{live}\n".encode()), File("/etc/hosts", hosts.encode())]
    return {
        FILES: [
            *(f"regular file\t644\troot\troot\t{file.path}" for file in own),
            *(f"{file.sha256}  {file.path}" for file in own),
            "end-of-files",
        ],
        NAMES: [f"live {live}", f"hosts {base64.b64encode(hosts.encode()).decode()}"],
    }


def test_a_host_with_its_name_is_left_alone(plan: Plan) -> None:
    assert plan(host.named, "w1", answers=answers("w1", DEBIAN)).commands == []


def test_a_host_is_renamed_now_and_at_boot(plan: Plan) -> None:
    planned = plan(host.named, "w1", answers=answers("debian", DEBIAN))

    assert base64.b64decode(planned.stdin[0]) == b"w1\n"
    assert planned.commands[1:] == ["hostname -- w1"]
    assert planned.reasons == [
        "/etc/hostname differs",
        "the host is called debian, the inventory says w1",
    ]


def test_the_nodes_come_first_and_other_lines_stay(plan: Plan) -> None:
    planned = plan(host.known, NODES, answers=answers("w1", DEBIAN))

    assert base64.b64decode(planned.stdin[0]).decode() == OURS + DEBIAN


def test_an_up_to_date_block_is_left_alone(plan: Plan) -> None:
    assert plan(host.known, NODES, answers=answers("w1", OURS + DEBIAN)).commands == []


def test_a_block_is_replaced_wherever_it_stands(plan: Plan) -> None:
    old = OURS.replace("10.0.0.2 w1", "10.0.0.9 gone")

    planned = plan(host.known, NODES, answers=answers("w1", DEBIAN + old))

    assert base64.b64decode(planned.stdin[0]).decode() == OURS + DEBIAN


def test_a_torn_block_is_an_error_and_eats_no_line(plan: Plan) -> None:
    torn = OURS.replace("# slipway: end\n", "") + DEBIAN

    with pytest.raises(HostError) as error:
        plan(host.known, NODES, answers=answers("w1", torn))

    assert str(error.value) == (
        '/etc/hosts: the block that begins with "# slipway: the cluster\'s nodes; edit the inventory instead"'
        " has no '# slipway: end'; remove what is left of the block"
    )


def test_a_silent_host_is_not_renamed(plan: Plan) -> None:
    with pytest.raises(HostError, match=r"^could not read the host's name and /etc/hosts$"):
        plan(host.named, "w1")
