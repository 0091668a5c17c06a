"""What a running container shows from inside: names, printed by a script of its own shell, and then `end`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.observe import kube

SECONDS = 15
END = "end"
ENDED = "command terminated with exit code"  # kubectl's last word, which is no cause
NO_SHELL = 'exec: "sh": executable file not found'  # as containerd's runc says it


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look, and the script that prints a name a line."""

    namespace: str
    pod: str
    container: str
    script: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The names; None when they could not be seen, for a reason, or because the image has no shell at all."""

    names: frozenset[str] | None
    why: str = ""
    is_closed: bool = False


def command(look: Look) -> str:
    """Return what looks; it changes nothing, and does not wait for a node that is gone."""
    where = [f"--namespace={look.namespace}", look.pod, f"--container={look.container}"]
    words = shlex.join(["kubectl", "exec", *where, "--", "sh", "-c", look.script])
    return f"{kube.ENVIRONMENT}; timeout {SECONDS} {words} </dev/null 2>&1 || true"


def parse(lines: Sequence[str]) -> Seen:
    """Return what was printed; without its end it is not all of it."""
    said = [line.strip() for line in lines if line.strip()]
    if said and said[-1] == END:
        return Seen(frozenset(said[:-1]))
    causes = [line for line in said if not line.startswith(ENDED)]
    why = causes[-1] if causes else f"no answer in {SECONDS} s"
    return Seen(None, why, any(NO_SHELL in line for line in said))
