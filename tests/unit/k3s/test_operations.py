"""k3s' operations on two @fake hosts: the one that joins, and the server that is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra.context import ctx_config, ctx_host, ctx_inventory, ctx_state

from deploy.errors import HostError
from deploy.model.api_server import K3S_ADMIN
from deploy.model.row import Disturbs
from deploy.observe import k3s as observed
from deploy.operations import k3s, notes, units
from deploy.operations.units import Unit
from tests.unit.operations.conftest import MISSING, Planned

JOINS, SERVER = "@fake/a1", "@fake/s1"
TOKEN = "/etc/rancher/k3s/token"
DIGEST, OTHER = "a" * 64, "b" * 64
FILES, STATE, HASHES, OBJECTS = "stat --printf='%F", 'echo "active ', "set --", "as=PartialObjectMetadata"
Answers = Mapping[str, Any]
Plan = Callable[..., Planned]


@pytest.fixture
def plan() -> Plan:
    def run(operation: Any, here: Answers, there: Answers | None = None, **kwargs: Any) -> Planned:
        quiet = {"fake_delay": 0, "fake_delay_jitter": 0}
        hosts = [
            (JOINS, {"fake_responses": here, **quiet}),
            (SERVER, {"fake_responses": there or {}, **quiet}),
        ]
        state = State(Inventory((hosts, {})), Config())
        connect_all(state)
        host = state.inventory.get_host(JOINS)
        with (
            ctx_state.use(state),
            ctx_inventory.use(state.inventory),
            ctx_host.use(host),
            ctx_config.use(state.config),
            notes.listening() as said,
        ):
            commands = list(operation._inner(**kwargs))
        stdin = [str(command.connector_arguments.get("_stdin", "")) for command in commands]
        return Planned([command.get_raw_value() for command in commands], stdin, said)

    return run


def state(*words: str, active: str = "active") -> dict[str, list[str]]:
    return {STATE: [f"active {active}", *words, observed.END]}


def token_file(digest: str, mode: str = "600") -> dict[str, list[str]]:
    return {FILES: [f"regular file\t{mode}\troot\troot\t{TOKEN}", f"{digest}  {TOKEN}", "end-of-files"]}


NOTHING = {FILES: ["end-of-files"]}
HAS_TOKEN = {HASHES: [f"{DIGEST}  {observed.AGENT_TOKEN}", "end-of-files"]}


def token(plan: Plan, here: Answers, there: Answers = HAS_TOKEN) -> Planned:
    return plan(k3s.token_known, here, there, path=TOKEN, speaker=SERVER, server=False)


def test_the_clusters_token_is_left_alone(plan: Plan) -> None:
    assert token(plan, token_file(DIGEST)).commands == []


@pytest.mark.parametrize(
    ("here", "reason"),
    [
        (NOTHING, f"{TOKEN} is missing"),
        (token_file(OTHER), f"{TOKEN} is not the token of the cluster, for root alone"),
        (token_file(DIGEST, "644"), f"{TOKEN} is not the token of the cluster, for root alone"),
    ],
)
def test_a_token_that_is_not_the_clusters_is_shown_by_digest_only(
    plan: Plan, here: Answers, reason: str
) -> None:
    planned = token(plan, here)

    assert planned.reasons == [reason]
    assert planned.commands == [f"umask 077 && cat > {TOKEN}"]
    assert planned.stdin == [""]
    assert f"+sha256 {DIGEST}" in planned.notes.diffs[0]


def test_before_there_is_a_cluster_the_token_is_unknown(plan: Plan) -> None:
    planned = token(plan, NOTHING, {HASHES: ["end-of-files"]})

    assert planned.notes.until == "control-plane"
    assert planned.reasons == ["there is no cluster to join yet"]


REMEMBERED = {
    OBJECTS: [
        '{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",',
        '"metadata": {"name": "a1.node-password.k3s", "namespace": "kube-system"}}',
        "=== slipway 200 https://api/x",
    ]
}


def admitted(plan: Plan, here: Answers, there: Answers) -> Planned:
    return plan(k3s.admitted, here, there, node="a1", speaker=SERVER, unit=k3s.AGENT_UNIT)


def test_a_rebuilt_host_under_a_known_name_is_refused_before_k3s_refuses_it_for_ever(plan: Plan) -> None:
    with pytest.raises(HostError) as caught:
        admitted(plan, state(active="inactive"), REMEMBERED)

    assert str(caught.value) == (
        "the cluster remembers another machine as a1, and this one has no /etc/rancher/node/password:"
        " k3s would refuse it. When the other machine is gone for good, run on @fake/s1"
        " `kubectl -n kube-system delete secret a1.node-password.k3s` and apply again"
    )


def test_a_host_with_its_password_or_a_new_name_may_come(plan: Plan) -> None:
    assert admitted(plan, state("password"), REMEMBERED).commands == []
    assert admitted(plan, state(active="inactive"), {OBJECTS: MISSING}).commands == []
    assert admitted(plan, state(active="inactive"), {OBJECTS: ["=== slipway no cluster"]}).commands == []


def test_a_first_server_without_state_makes_no_second_cluster(plan: Plan) -> None:
    def found(speaker: str | None, *words: str) -> Planned:
        return plan(k3s.may_found, state(*words), node="s1", speaker=speaker, unit=k3s.SERVER_UNIT)

    assert found(None).commands == []
    assert found("s1").commands == []
    assert found("s2", "state").commands == []
    with pytest.raises(HostError) as caught:
        found("s2")
    assert str(caught.value) == (
        "the cluster lives on s2, and s1 has lost its state: k3s would make a new, empty cluster here."
        " Delete the node s1 and list another control plane first in the inventory, so that this host joins"
        " again"
    )


UNIT = Unit(k3s.AGENT_UNIT, b"[Service]\nExecStart=/usr/local/bin/k3s agent\n")
OWN = units.own_files(UNIT)


def running(*words: str, active: str = "active") -> dict[str, list[str]]:
    """Answer as a host whose unit runs with its files as they are."""
    stat, file = "1 2 2026-11-30 01:25:20.835949367 +0000", OWN[0]
    return {
        **state(*words, active=active),
        FILES: [
            *(f"regular file\t644\troot\troot\t{file.path}" for file in OWN),
            *(f"{file.sha256}  {file.path}" for file in OWN),
            "end-of-files",
        ],
        "systemctl show --no-pager": [
            *("LoadState=loaded", f"ActiveState={active}", "SubState=running", "UnitFileState=enabled"),
            *("NeedDaemonReload=no", f"stat {stat} {file.path}", f"{file.sha256}  {file.path}"),
            *(f"now {stat} {file.path}", "end-of-unit"),
        ],
    }


def up(plan: Plan, here: Answers) -> Planned:
    return plan(k3s.brought_up, here, unit=UNIT, node="a1")


def test_k3s_that_is_up_and_known_is_left_alone(plan: Plan) -> None:
    assert up(plan, running("known")).commands == []


def test_an_api_that_does_not_answer_now_is_no_reason_to_restart(plan: Plan) -> None:
    assert up(plan, running()).commands == []


def test_an_agent_that_still_tries_is_waited_for(plan: Plan) -> None:
    planned = up(plan, running(active="activating"))

    assert planned.reasons == ["k3s-agent.service is activating, it shall be up"]
    assert planned.commands == [k3s.started_script("start", k3s.AGENT_UNIT, "a1")]
    assert planned.notes.disturbs is Disturbs.NOTHING


def test_a_refused_agent_with_another_token_restarts_at_once_since_it_disturbs_nothing(plan: Plan) -> None:
    here = running(active="activating")
    here["systemctl show --no-pager"] = [
        line.replace(OWN[0].sha256, OTHER) for line in here["systemctl show --no-pager"]
    ]

    planned = up(plan, here)

    assert planned.commands == [k3s.started_script("restart", k3s.AGENT_UNIT, "a1")]
    assert planned.notes.disturbs is Disturbs.NOTHING


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("known", "edited"), f"{observed.GENERATED} was edited, and k3s writes it anew at every start"),
        (("unknown",), "the API does not know a1 any more"),
    ],
)
def test_what_only_a_restart_mends_is_restarted(plan: Plan, words: tuple[str, ...], reason: str) -> None:
    planned = up(plan, running(*words))

    assert planned.reasons == [f"k3s-agent.service restarts: {reason}"]
    assert planned.commands == [k3s.started_script("restart", k3s.AGENT_UNIT, "a1")]
    assert planned.notes.disturbs is Disturbs.SERVICE


def test_an_unread_host_is_not_taken_for_well(plan: Plan) -> None:
    with pytest.raises(HostError) as caught:
        up(plan, {**running(), STATE: ["active active"]})

    assert str(caught.value) == "could not read k3s-agent.service: systemd did not answer `systemctl show`"


def linked(plan: Plan, target: list[str], found: list[str]) -> Planned:
    return plan(k3s.admin_linked, {"readlink": target, FILES: [*found, "end-of-files"]})


def test_credentials_are_linked_to_where_every_step_looks(plan: Plan) -> None:
    assert linked(plan, [K3S_ADMIN], []).commands == []
    assert linked(plan, [], []).commands == [
        "mkdir -p /etc/kubernetes && ln -sfn /etc/rancher/k3s/k3s.yaml /etc/kubernetes/admin.conf"
    ]


def test_credentials_of_another_cluster_are_not_overwritten(plan: Plan) -> None:
    with pytest.raises(HostError) as caught:
        linked(plan, [], [f"regular file\t600\troot\troot\t{k3s.ADMIN}", f"{OTHER}  {k3s.ADMIN}"])

    assert str(caught.value) == (
        "/etc/kubernetes/admin.conf is a file, of a cluster that is not this one; find out whose it is"
    )
