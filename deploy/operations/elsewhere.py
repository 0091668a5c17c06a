"""A question to another host of the same run, from the body of an operation that is executed."""

from __future__ import annotations

import threading

from pyinfra import inventory, state
from pyinfra.api import StringCommand
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, pop_global_arguments

from deploy.errors import HostError

# one question at a time: sshd allows ten sessions a connection (MaxSessions), and a run may join more nodes
_ONE_AT_A_TIME = threading.Lock()


def said(name: str, command: str, stdin: str | None = None) -> list[str]:
    """Run a command on a host and return what it printed; raise HostError with what went wrong."""
    other = inventory.get_host(name)
    if not other.connected:
        other.connect(reason="asked by another host", raise_exceptions=True)
    arguments, _ = pop_global_arguments(state, other, {})
    connector = {key: value for key, value in arguments.items() if key in CONNECTOR_ARGUMENT_KEYS}
    if stdin is not None:
        connector["_stdin"] = stdin
    with _ONE_AT_A_TIME:
        done, output = other.run_shell_command(
            StringCommand(command), print_output=False, print_input=False, **connector
        )
    if not done:
        raise HostError(f"{name}, asked for another host's sake, failed: {' '.join(output.stderr_lines)}")
    return list(output.stdout_lines)
