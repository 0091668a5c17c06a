"""The nightly job of a controller: a systemd service and timer, as text, and putting them in place."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.drift.systemd import systemctl
from checks.report.history import write
from deploy.errors import InventoryError

AT = "*-*-* 03:17"  # off the hour, when the whole world's jobs start
STARTS = "ExecStart="
NIGHTLY = "SLIPWAY_TIMER"  # a variable that the service has and nobody else's run


@dataclass(frozen=True, slots=True)
class Job:
    """One cluster's nightly drift: what is run as whom, and where it may write.

    Of root's, `state` must be there or systemd does not start it (226/NAMESPACE); `metrics` may be away for
    a night. `root` says whose manager runs it: the machine's, or a user's own.
    """

    cluster: str
    command: tuple[str, ...]
    working_directory: Path
    environment: tuple[tuple[str, str], ...]
    state: Path
    metrics: Path | None = None
    root: bool = True

    @property
    def name(self) -> str:
        """The units' name without its ending."""
        return _name(self.cluster)


def _name(cluster: str) -> str:
    return f"slipway-drift-{cluster}"


def service(job: Job) -> str:
    """Return the service: drift (5) and warnings (4) are results, not failures of the job."""
    lines = [
        "[Unit]",
        f"Description=Nightly drift of the cluster {job.cluster}",
        *(("Wants=network-online.target", "After=network-online.target") if job.root else ()),
        "",
        "[Service]",
        "Type=oneshot",
        f"{STARTS}{' '.join(map(quoted, job.command))}",
        f"WorkingDirectory={job.working_directory}",
        *(f"Environment={quoted(f'{name}={value}')}" for name, value in job.environment),
        f"Environment={NIGHTLY}=1",
        "SuccessExitStatus=4 5",
        "TimeoutStartSec=15min",
        "Nice=10",
        "UMask=0077",
        "NoNewPrivileges=yes",
        "LockPersonality=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "RestrictNamespaces=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "SystemCallArchitectures=native",
        *(_walls(job) if job.root else ()),
        "",
    ]
    return "\n".join(lines)


def _walls(job: Job) -> Iterator[str]:
    """Yield what only the machine's own manager can forbid.

    The first need namespaces, for which a user's manager needs one of users: before systemd 254 it leaves
    them out without a word, later it makes that, where the kernel lets it (systemd/systemd#25233), and what
    is root's is nobody's then. The last four take a capability away, which ends a user's unit before 254
    with 218/CAPABILITIES.
    """
    yield from ("PrivateTmp=yes", "ProtectSystem=strict", "ProtectHome=read-only")
    yield f"ReadWritePaths={quoted(str(job.state))}"
    if job.metrics:
        yield f"ReadWritePaths={quoted(f'-{job.metrics}')}"
    yield from ("ProtectKernelTunables=yes", "ProtectControlGroups=yes", "ProtectHostname=yes")
    yield from ("PrivateDevices=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes", "ProtectClock=yes")


def timer(job: Job) -> str:
    """Return the timer: a night that was slept through is made up for."""
    lines = [
        "[Unit]",
        f"Description=Nightly drift of the cluster {job.cluster}",
        "",
        "[Timer]",
        f"OnCalendar={AT}",
        "Persistent=true",
        "RandomizedDelaySec=10min",
        "",
        "[Install]",
        "WantedBy=timers.target",
        "",
    ]
    return "\n".join(lines)


def sandboxed(job: Job) -> str:
    """Say what a command that was tried by hand may not do at night, by the service's own options."""
    places = ", ".join(map(str, filter(None, (job.state, job.metrics))))
    written = f", and it may write to {places} and a /tmp of its own only" if job.root else ""
    return (
        f"--on-change runs in the service's sandbox: without sudo, setuid and setgid{written}. "
        "A mailer that queues on this machine (sendmail, postdrop) fails there; SMTP and --webhook-file work."
    )


def quoted(word: str) -> str:
    """Return a word as systemd's command lines want it; % and $ mean something there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(char.isspace() or char in "\"'\\;" for char in escaped) else escaped


def words(command: str) -> list[str]:
    """Return the words of a command."""
    try:
        found = shlex.split(command)
    except ValueError as error:
        raise InventoryError(f"--on-change is no command: {error}") from None
    if not found:
        raise InventoryError("--on-change is no command: it is empty")
    return found


def anywhere(command: str) -> str:
    """Return a command that starts the same program from any folder, and with any PATH."""
    name, *arguments = words(command)
    program = shutil.which(name)
    if program is None:
        raise InventoryError(
            f"--on-change: {name} is no program here that you may run; give its path, or make it executable"
        )
    return shlex.join([str(Path(program).absolute()), *arguments])


def directory(*, root: bool, home: Path) -> Path:
    """Return where units of root, or of a user's own manager, are kept."""
    return Path("/etc/systemd/system") if root else home / ".config/systemd/user"


def installed(cluster: str, where: Path) -> list[str]:
    """Return the command of the service that is in place; no words where there is none that can be read."""
    try:
        lines = (where / f"{_name(cluster)}.service").read_text().splitlines()
        found = shlex.split(next(each.removeprefix(STARTS) for each in lines if each.startswith(STARTS)))
    except (OSError, StopIteration, ValueError):
        return []
    return [word.replace("%%", "%").replace("$$", "$") for word in found]


def option(command: Sequence[str], name: str) -> str | None:
    """Return the value that a command gives an option; None where it gives none."""
    return command[command.index(name) + 1] if name in command[:-1] else None


Control = Callable[..., None]


def install(job: Job, where: Path, *, root: bool, control: Control = systemctl) -> Sequence[Path]:
    """Write the units and start the timer; doing it again changes what differs."""
    units = {where / f"{job.name}.service": service(job), where / f"{job.name}.timer": timer(job)}
    control("show-environment", root=root)  # fails where no systemd runs, before anything is written
    where.mkdir(parents=True, exist_ok=True)
    for path, text in units.items():
        write(path, text, mode=0o644)
    control("daemon-reload", root=root)
    control("enable", "--now", f"{job.name}.timer", root=root)
    return tuple(units)


def uninstall(cluster: str, where: Path, *, root: bool, control: Control = systemctl) -> Sequence[Path]:
    """Stop the timer and remove the units; the reports stay."""
    name = _name(cluster)
    found = [path for path in (where / f"{name}.timer", where / f"{name}.service") if path.exists()]
    if found:
        control("disable", "--now", f"{name}.timer", root=root)
        for path in found:
            path.unlink()
        control("daemon-reload", root=root)
    return found
