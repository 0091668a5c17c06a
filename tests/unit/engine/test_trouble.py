from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from deploy.engine.target import Target
from deploy.engine.trouble import Cause, Trouble, no_root, trouble
from deploy.errors import Exit

HOST = Target("w1", "10.0.0.2", 22, "ops", Path("/keys/id"), become=True)


@pytest.mark.parametrize(
    ("error", "cause", "text"),
    [
        (
            TimeoutError(),
            Cause.TIMEOUT,
            "no answer in time; is the host up, and does a firewall let SSH through?",
        ),
        (
            OSError(113, "No route to host"),
            Cause.NO_ROUTE,
            "No route to host; check the address and the network between",
        ),
        (
            socket.gaierror(-2, "Name or service not known"),
            Cause.NAME,
            "the name '10.0.0.2' is not known; check the inventory and DNS",
        ),
        (
            paramiko.ChannelException(2, "Connect failed"),
            Cause.REFUSED,
            "the jump host could not reach it (Connect failed); is it up?",
        ),
        (
            paramiko.PasswordRequiredException(),
            Cause.LOGIN,
            "the key /keys/id is encrypted; add it to an SSH agent and leave ssh.key out",
        ),
        (
            EOFError(),
            Cause.PROTOCOL,
            "no SSH connection came about (it closed the connection); is it an SSH server, is it up?",
        ),
    ],
)
def test_each_cause_says_what_to_do(error: Exception, cause: Cause, text: str) -> None:
    assert trouble(HOST, error, "lab.yaml") == Trouble("w1", cause, f"w1 (10.0.0.2 port 22): {text}")


def test_a_mistake_of_ours_is_no_trouble_of_a_host() -> None:
    assert trouble(HOST, KeyError("spam"), "lab.yaml") is None


def test_a_host_that_gives_no_root_is_host_01_and_fails_a_check() -> None:
    found = no_root(HOST, "sudo: a password is required\n")

    assert found.exit_code is Exit.FAILED
    assert found.text == (
        "[HOST-01] w1 (10.0.0.2 port 22): user 'ops' cannot become root without a password "
        "(sudo: a password is required); add 'ops ALL=(ALL) NOPASSWD: ALL' to /etc/sudoers.d/slipway there, "
        "or set ssh.user to root"
    )


def test_a_user_who_may_not_become_root_is_told_of_the_setting() -> None:
    found = no_root(replace(HOST, become=False), "")

    assert found.text == (
        "[HOST-01] w1 (10.0.0.2 port 22): user 'ops' is not root, and ssh.become is false; "
        "set ssh.become to true, or ssh.user to root"
    )
