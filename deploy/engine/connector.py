"""pyinfra's way to a host: over the session's link, bounded, logged, and without a cache to go stale.

pyinfra's own SSH connector memoises SFTP clients by memory address, so that a file could reach the wrong
host; uploads go over standard input here, and nothing is shared between hosts.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping
from io import IOBase
from typing import Any, Unpack, cast

from pyinfra.api import Host, QuoteString, State, StringCommand
from pyinfra.api.arguments import ConnectorArguments
from pyinfra.api.util import get_file_io
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine, make_unix_command_for_host
from typing_extensions import override

from deploy.engine import shell
from deploy.engine.link import Link, Ran
from deploy.engine.log import command_ran

TIMEOUT = 600.0  # seconds, for what names no `_timeout` of its own
SHOWN = 300  # characters of a failed command


class LinkConnector(BaseConnector):
    """A pyinfra connector on an open link."""

    handles_execution = True

    def __init__(self, state: State, host: Host, links: Mapping[str, Link]) -> None:
        super().__init__(state, host)
        self.link = links[host.name]
        self.failed: str | None = None

    @override
    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        yield name, {}, []

    @override
    def run_shell_command(
        self,
        command: StringCommand,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Unpack[ConnectorArguments],
    ) -> tuple[bool, CommandOutput]:
        wanted = arguments.get("_success_exit_codes") or [0]
        ran = self._run(command, arguments)
        lines = [OutputLine("stdout", line) for line in ran.out.splitlines()]
        lines += [OutputLine("stderr", line) for line in ran.err.splitlines()]
        return ran.rc in wanted, CommandOutput(lines)

    @override
    def put_file(
        self,
        filename_or_io: str | IOBase,
        remote_filename: str,
        remote_temp_filename: str | None = None,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Unpack[ConnectorArguments],
    ) -> bool:
        with get_file_io(cast(Any, filename_or_io)) as file:
            content = file.read()
        part, target = QuoteString(f"{remote_filename}.part"), QuoteString(remote_filename)
        command = StringCommand("cat >", part, "&& mv -f", part, target)
        return self._run(command, arguments, stdin=content).ok

    @override
    def get_file(
        self,
        remote_filename: str,
        filename_or_io: str | IOBase,
        remote_temp_filename: str | None = None,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Unpack[ConnectorArguments],
    ) -> bool:
        ran = self._run(StringCommand("base64", QuoteString(remote_filename)), arguments)
        if ran.ok:
            with get_file_io(cast(Any, filename_or_io), "wb") as file:
                file.write(binascii.a2b_base64(ran.out))
        return ran.ok

    def _run(
        self, command: StringCommand, arguments: ConnectorArguments, stdin: bytes | str | None = None
    ) -> Ran:
        """Run bounded; what failed is kept, as pyinfra itself only logs it."""
        options = cast(dict[str, Any], arguments)
        timeout = float(options.pop("_timeout", None) or TIMEOUT)
        given = options.pop("_stdin", None)
        for control in ("_get_pty", "_success_exit_codes"):
            options.pop(control, None)
        inner = QuoteString(StringCommand(shell.ENVIRONMENT, command))
        bound = StringCommand(shell.bound(timeout), inner)
        raw = make_unix_command_for_host(self.state, self.host, bound, **options).get_raw_value()
        ran = self.link.exec(raw, stdin=stdin if stdin is not None else _text(given), timeout=timeout)
        command_ran(self.host.name, str(command), ran)
        self.failed = None if ran.ok else failure(str(command), ran)
        return ran


def failure(command: str, ran: Ran) -> str:
    """Say what a command said when it failed; the command is pyinfra's masked form."""
    said = "\n".join((ran.err.strip() or ran.out.strip()).splitlines()[-12:]) or "it said nothing"
    how = "took too long and was ended" if ran.timed_out else f"exited with {ran.rc}"
    short = command if len(command) <= SHOWN else f"{command[:SHOWN]} ..."
    return f"{short}\n{how}: {said}"


def _text(stdin: Any) -> str | None:
    """Return what pyinfra would write to standard input: lines, each with its end."""
    if not stdin:
        return None
    lines = stdin.readlines() if hasattr(stdin, "readlines") else stdin
    lines = lines if isinstance(lines, list | tuple) else [lines]
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
