"""A question to the person at the terminal, during which everything else goes on."""

from __future__ import annotations

import sys

import click
from gevent.socket import wait_read

from deploy.errors import Exit, SlipwayError


class DeclinedError(SlipwayError):
    """The person said no; what was shown is still pending."""

    exit_code = Exit.PENDING


def consent(question: str, otherwise: str = "Nothing was changed.") -> None:
    """Ask, and return when the answer is yes; raise DeclinedError, which says `otherwise`, when not.

    click.confirm would stop every greenlet, also those that tell a host that its run lock is still held.
    """
    while True:
        click.echo(f"{question} [y/N]: ", nl=False)
        wait_read(sys.stdin.fileno())
        answer = sys.stdin.readline()
        match answer.strip().lower():
            case "y" | "yes":
                return
            case "" | "n" | "no":
                raise DeclinedError(otherwise)
        click.echo("Please answer y or n.")
