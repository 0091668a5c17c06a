from __future__ import annotations

import subprocess

from deploy.observe import k3s
from deploy.observe.k3s import State


def test_a_server_that_is_well() -> None:
    lines = ["active active", "state", "password", "known", k3s.END]

    assert k3s.parse(lines) == State("active", has_state=True, has_password=True, known=True, edited=False)


def test_an_agent_whose_configuration_was_edited_and_whose_node_is_gone() -> None:
    lines = ["active active", "password", "edited", "unknown", k3s.END]

    assert k3s.parse(lines) == State("active", has_state=False, has_password=True, known=False, edited=True)


def test_an_api_that_says_nothing_leaves_the_node_unread_not_unknown() -> None:
    assert k3s.parse(["active activating", k3s.END]) == State("activating", False, False, None, False)


def test_an_answer_that_is_cut_off_is_none() -> None:
    assert k3s.parse(["active active", "state", "password"]) is None
    assert k3s.parse(["active ", k3s.END]) is None
    assert k3s.parse([k3s.END]) is None


def test_the_reader_is_a_script_that_a_shell_takes_on_a_host_without_k3s() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", k3s.command("k3s-agent.service", "a'1")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines()[-1] == k3s.END
    assert "Syntax error" not in done.stderr


def test_what_was_generated_is_remembered_whole_or_not_at_all() -> None:
    assert k3s.record_command() == (
        "mkdir -p /run/slipway; sha256sum /var/lib/rancher/k3s/agent/etc/containerd/config.toml"
        " >/run/slipway/k3s.generated.part 2>/dev/null;"
        " mv -f /run/slipway/k3s.generated.part /run/slipway/k3s.generated"
    )
