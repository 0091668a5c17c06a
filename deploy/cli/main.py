"""The console script: finds a verb, runs it, and turns what went wrong into text and an exit code."""

from __future__ import annotations

import difflib
import errno
import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from tempfile import NamedTemporaryFile
from types import FrameType
from typing import Any, cast

import click
import gevent
from typing_extensions import override

from deploy.errors import Exit, SlipwayError
from deploy.printable import printable

VERBS = {
    "apply": ("deploy.cli.apply:apply", "Make the hosts what the inventory says, then verify."),
    "artifacts": ("deploy.cli.artifacts:artifacts", "Pin, fetch and serve what hosts install."),
    "bench": ("deploy.cli.bench:bench", "Put load on a model and say how fast it answers."),
    "drift": ("deploy.cli.drift:drift", "Say what has changed since the last apply, and since when."),
    "explain": ("deploy.cli.explain:explain", "Say what a check looks at, why, and how to mend it."),
    "init": ("deploy.cli.init:init", "Write an inventory from the hosts it is given."),
    "kubeconfig": ("deploy.cli.kubeconfig:kubeconfig", "Fetch the cluster's kubeconfig."),
    "lab": ("deploy.cli.lab:lab", "Run hosts in containers on this machine."),
    "plan": ("deploy.cli.plan:plan", "Show what apply would change."),
    "preflight": ("deploy.cli.preflight:preflight", "Check the hosts before anything is touched."),
    "report": ("deploy.cli.report:report", "Show the last report again, with those before it."),
    "trust": ("deploy.cli.trust:trust", "Show the hosts' keys and remember them."),
    "validate": ("deploy.cli.validate:validate", "Read an inventory and name every mistake in it."),
    "verify": ("deploy.cli.verify:verify", "Prove that the cluster does what it is for."),
}
_ACCESS = (
    "wanted a place that you may write to; XDG_STATE_HOME and XDG_CACHE_HOME name where slipway keeps things"
)
REMEDIES = {  # what this machine refuses is no mistake of slipway
    errno.EACCES: _ACCESS,
    errno.EPERM: _ACCESS,
    errno.EROFS: _ACCESS,
    errno.ENOTDIR: _ACCESS,
    errno.ENOSPC: "make room on this machine",
    errno.EDQUOT: "make room, or have your quota raised",
}
INTERRUPTED = 130  # 128 + SIGINT, as shells say it
GOES_ON = "\nInterrupted. What is done stays done; running the same command again goes on."


class Verbs(click.Group):
    """The verbs, each imported when it is called, so that `--help` stays fast."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, name = VERBS[cmd_name][0].split(":")
        return cast(click.Command, getattr(importlib.import_module(module), name))

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = difflib.get_close_matches(args[0], VERBS, n=1)
        if near and args[0] not in VERBS:
            ctx.fail(f"No such command {args[0]!r}; did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="slipway", prog_name="slipway")
def slipway() -> None:
    """Bare metal in, a verified cluster out, and proof every night that it still is one."""


def exit_code(call: Callable[[], Any]) -> int:
    """Call, and return what the process exits with; everything that can go wrong is said on stderr."""
    try:
        code = call()
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print(GOES_ON, file=sys.stderr)
        return INTERRUPTED
    except SlipwayError as error:
        print(printable(str(error)), file=sys.stderr)
        return int(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter says it at exit
        return int(Exit.INTERNAL)
    except OSError as error:
        return _refused(error) if error.errno in REMEDIES else _internal(error)
    except Exception as error:  # noqa: BLE001 - the last line before the shell
        return _internal(error)
    return code if isinstance(code, int) else int(Exit.OK)


def _debugging() -> bool:
    return bool(os.environ.get("SLIPWAY_DEBUG"))


def _refused(error: OSError) -> int:
    if _debugging():
        traceback.print_exc()
    place = error.filename or "the output"
    print(f"{place}: {error.strerror}; {REMEDIES[error.errno or 0]}", file=sys.stderr)
    return int(Exit.FAILED)


def _internal(error: Exception) -> int:
    if _debugging():
        traceback.print_exc()
        return int(Exit.INTERNAL)
    with NamedTemporaryFile("w", prefix="slipway-", suffix=".log", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    said = f"{type(error).__name__}: {error}"
    print(f"A mistake of slipway itself: {said}\nThe traceback is in {file.name}.", file=sys.stderr)
    return int(Exit.INTERNAL)


def listen() -> None:
    """Have SIGTERM and SIGHUP end a run as Ctrl-C does; what nohup has ignored stays ignored.

    Python calls a handler between two steps of its own. A signal that comes a moment before gevent begins to
    wait would be heard after that, so that each also writes to a pipe, which wakes it.
    """
    heard, said = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(said, warn_on_full_buffer=False)
    gevent.get_hub().loop.io(heard, 1, ref=False).start(os.read, heard, 1)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGHUP:  # a terminal that is gone takes no word, and the error would end the cleaning
        silence = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(silence, stream)
    signal.default_int_handler(number, frame)


def main() -> None:
    """Run the command line."""
    listen()
    code = exit_code(lambda: slipway.main(prog_name="slipway", standalone_mode=False))
    gc.freeze()  # or the interpreter collects all that is about to be gone anyway: a third of a second
    sys.exit(code)
