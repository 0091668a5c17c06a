"""The command line, called in this process."""

from __future__ import annotations

from deploy.cli import main


def slipway(*arguments: object) -> int:
    """Return the exit code of `slipway ARGUMENTS`."""
    return main.exit_code(
        lambda: main.slipway.main([*map(str, arguments)], prog_name="slipway", standalone_mode=False)
    )
