"""A lab's host that plays the controller: this checkout, its packages and this Python, in one folder."""

from __future__ import annotations

import io
import shlex
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

from deploy.lab.run import podman
from deploy.model import paths
from tests.lab.site import ROOT, Site

HOME = "/opt/slipway-controller"  # no home and no folder of the system: the unit's hardening leaves it alone
STATE = "/var/lib/slipway-controller"
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
    """`host` of the site's lab has all that a controller of the site's cluster has; it is no node itself."""

    site: Site
    host: str

    @property
    def inventory(self) -> str:
        """The inventory's path there."""
        return f"{HOME}/{self.site.name}.yaml"

    @property
    def state(self) -> str:
        """Where the cluster's reports, logs and lock are there."""
        return f"{STATE}/slipway/{self.site.name}"

    def set_up(self) -> None:
        """Bring everything there; what this machine's Python needs of a C library must be there already."""
        podman("cp", "-", f"{self.site.lab.layout.container(self.host)}:/", stdin=self._packed())
        self.on(f"chmod 0700 {HOME} && mkdir -p {STATE}/metrics")

    def tear_down(self) -> None:
        """Take everything away again."""
        self.on(f"rm -rf {HOME} {STATE}")

    def on(self, script: str, *, check: bool = True) -> str:
        """Run a script there, as a person at its console would."""
        given = f"export HOME=/root XDG_STATE_HOME={STATE} NO_COLOR=1 COLUMNS=120\n{script}"
        return self.site.on(self.host, given, check=check)

    def slipway(self, verb: str, *arguments: str) -> str:
        """Run a verb there on the inventory; return what it printed."""
        return self.on(shlex.join([f"{HOME}/bin/slipway", verb, self.inventory, *arguments]))

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
