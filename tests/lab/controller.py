"""A lab's host that plays the controller: this checkout, its packages and this Python, in one folder."""

from __future__ import annotations

import io
import json
import shlex
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.lab.run import podman
from deploy.model import paths
from tests.lab.site import ROOT, Site

HOME = "/opt/slipway-controller"  # no home and no folder of the system: the unit's hardening leaves it alone
STATE = "/var/lib/slipway-controller"
METRICS = f"{STATE}/metrics/slipway.prom"
GROWS_OLD = f"{METRICS} stays, and what it says grows old: delete it if no other run writes it"
# large, and nothing that a verb imports
LEFT_OUT = {
    *("test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "site-packages"),
    *("dist-packages", "ansible", "ansible_test", "mypy", "mypyc", "pip", "hypothesis", "setuptools", "ruff"),
}
PYTHON = f"""#!/bin/sh
export LD_LIBRARY_PATH={HOME}/lib PYTHONHOME={HOME} PYTHONDONTWRITEBYTECODE=1
exec {HOME}/bin/interpreter "$@"
"""
SLIPWAY = f"""#!{HOME}/bin/python
import sys
sys.path[:0] = ["{HOME}/checkout", "{HOME}/packages"]
from deploy.cli.main import main
main()
"""


@dataclass(frozen=True)
class Controller:
    """`host` of the site's lab has all that a controller of the site's cluster has; it is no node itself.

    Whose it is has a systemd there: root has the machine's, another `user` one of their own.
    """

    site: Site
    host: str
    user: str = "root"

    @property
    def inventory(self) -> str:
        """The inventory's path there."""
        return f"{HOME}/{self.site.name}.yaml"

    @property
    def state(self) -> str:
        """Where the cluster's reports, logs and lock are there."""
        return f"{STATE}/slipway/{self.site.name}"

    @property
    def job(self) -> str:
        """The units' name of the nightly job, without its ending."""
        return f"slipway-drift-{self.site.name}"

    @property
    def units(self) -> str:
        """Where the units are there."""
        return "/etc/systemd/system" if self.user == "root" else f"{self._home}/.config/systemd/user"

    @property
    def _home(self) -> str:
        return "/root" if self.user == "root" else f"/home/{self.user}"

    def set_up(self) -> None:
        """Bring everything there; what this machine's Python needs of a C library must be there already."""
        podman("cp", "-", f"{self.site.lab.layout.container(self.host)}:/", stdin=self._packed())
        self.site.on(
            self.host, f"mkdir -p {STATE}/metrics; chmod 0700 {HOME}; chown -R {self.user}: {HOME} {STATE}"
        )

    def tear_down(self) -> None:
        """Take everything away again, the timer too."""
        self.systemctl("disable", "--now", f"{self.job}.timer", check=False)
        self.site.on(self.host, f"rm -rf {self.units}/{self.job}.* {HOME} {STATE}")
        self.systemctl("daemon-reload", check=False)

    def on(self, script: str, *, check: bool = True) -> str:
        """Run a script there, as a person at its console would."""
        given = f"export HOME={self._home} XDG_STATE_HOME={STATE} NO_COLOR=1 COLUMNS=120\n{script}"
        if self.user != "root":
            as_user = (f"--reuid={self.user}", f"--regid={self.user}", "--init-groups")
            given = shlex.join(["setpriv", *as_user, "sh", "-c", given])
        return self.site.on(self.host, given, check=check)

    def slipway(self, verb: str, *arguments: str, code: int = 0) -> str:
        """Run a verb there on the inventory; return what it printed, and of one that fails its error too."""
        command = shlex.join([f"{HOME}/bin/slipway", verb, self.inventory, *arguments])
        return self.on(f"{command} {'2>&1' if code else ''}; [ $? = {code} ]")

    def systemctl(self, *words: str, check: bool = True) -> str:
        """Ask the systemd that is the user's."""
        own = "" if self.user == "root" else "XDG_RUNTIME_DIR=/run/user/$(id -u) "
        mine = ["systemctl", *([] if self.user == "root" else ["--user"]), *words]
        return self.on(own + shlex.join(mine), check=check)

    def started(self) -> tuple[str, str]:
        """Run the service to its end; return what systemd makes of it, and what the process ended with."""
        self.systemctl("start", f"{self.job}.service", check=False)
        lines = self.systemctl("show", "-p", "Result", "-p", "ExecMainStatus", f"{self.job}.service")
        shown = dict(line.split("=", 1) for line in lines.splitlines())
        return shown["Result"], shown["ExecMainStatus"]

    def soon(self) -> None:
        """Let the night come in a moment and without its random delay; else the timer stays as it is."""
        self.on(
            f"mkdir -p {self.units}/{self.job}.timer.d && cat > {self.units}/{self.job}.timer.d/soon.conf"
            " <<'END'\n[Timer]\nOnCalendar=\nOnActiveSec=2s\nRandomizedDelaySec=0\nAccuracySec=1s\nEND"
        )
        self._again()

    def as_installed(self) -> None:
        """Let the night come when it comes."""
        self.on(f"rm -r {self.units}/{self.job}.timer.d")
        self._again()

    def _again(self) -> None:
        self.systemctl("daemon-reload")
        self.systemctl("restart", f"{self.job}.timer")

    def reports(self) -> list[str]:
        """Return the paths of the nights' reports there, the oldest first."""
        return self.on(f"ls {self.state}/reports/*.drift.json 2>/dev/null || true").split()

    def last(self) -> dict[str, Any]:
        """Return the last night's report."""
        report: dict[str, Any] = json.loads(self.on(f"cat {self.reports()[-1]}"))
        return report

    def _packed(self) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", dereference=True) as archive:
            for path, name in _program():
                archive.add(path, f"{HOME.lstrip('/')}/{name}", filter=_wanted)
            for name, text in (("bin/python", PYTHON), ("bin/slipway", SLIPWAY)):
                _add(archive, f"{HOME}/{name}", text, 0o755)
            for name, text in self._cluster().items():
                _add(archive, name, text, 0o600)
        # podman cp stops reading where a tar ends, and fails if its padding is still to come then
        return out.getvalue()[: archive.offset]

    def _cluster(self) -> dict[str, str]:
        """Return what is known of the cluster: inventory, lock file, key and the hosts' keys."""
        key = f"{HOME}/id_ed25519"
        text = self.site.inventory.read_text().replace(str(self.site.lab.key), key)
        return {
            self.inventory: text,
            str(paths.lock_file(Path(self.inventory))): paths.lock_file(self.site.inventory).read_text(),
            key: self.site.lab.key.read_text(),
            f"{self.state}/known_hosts": paths.known_hosts(self.site.name).read_text(),
        }


def _program() -> list[tuple[Path, str]]:
    """Return this Python, its packages and this checkout: (here, name there)."""
    library = Path(sysconfig.get_path("stdlib"))
    shared = sorted(Path(sys.base_prefix, "lib").glob("libpython*.so*"))
    return [
        (Path(sys.executable).resolve(), "bin/interpreter"),
        (library, f"lib/{library.name}"),
        *((path, f"lib/{path.name}") for path in shared),
        (Path(sysconfig.get_path("purelib")), "packages"),
        *((ROOT / name, f"checkout/{name}") for name in ("deploy", "checks", "files", "templates")),
    ]


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what is large and of no use; the root of a part has a name of its own."""
    name = Path(member.name).name
    unused = name in LEFT_OUT or name.startswith("config-") or "__mypyc" in name
    return None if unused else member


def _add(archive: tarfile.TarFile, path: str, text: str, mode: int) -> None:
    member = tarfile.TarInfo(path.lstrip("/"))
    content = text.encode()
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))
