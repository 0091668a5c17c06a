"""A cluster of a test: some hosts of a lab, their inventory file, and `slipway` run on it as a user would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from deploy.lab import Lab, keys
from deploy.model import paths
from deploy.model.api_server import ADMIN

ROOT = Path(__file__).parents[2]
SLIPWAY = Path(sys.executable).with_name("slipway")
KUBECTL = f"kubectl --kubeconfig {ADMIN}"
# without a cache of its own below /root, where a night must write nothing
OWN_CACHE = f"KUBECACHEDIR=/run/kubectl-of-tests {KUBECTL}"
# warnings that count what a day was like: a slow disk's syncs, a kubelet that was kept waiting
COUNTED = {("HOST-26", "fail"), ("K8S-11", "fail")}
CLEAN = {"NO_COLOR": "1", "COLUMNS": "120"}


@dataclass(frozen=True)
class Site:
    """The inventory is a plain mapping: a test changes it and writes it again."""

    lab: Lab
    name: str
    directory: Path
    data: dict[str, Any] = field(repr=False)

    @property
    def inventory(self) -> Path:
        """The inventory file."""
        return self.directory / f"{self.name}.yaml"

    def write(self) -> Path:
        """Write the inventory as the mapping is now."""
        self.inventory.write_text(yaml.safe_dump(self.data, sort_keys=False))
        return self.inventory

    def slipway(self, verb: str, *arguments: str, timeout: float = 400) -> subprocess.CompletedProcess[str]:
        """Run a verb on the inventory and wait for it."""
        return subprocess.run(
            [SLIPWAY, verb, self.inventory, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            env=os.environ | CLEAN,
            check=False,
        )

    def ok(self, verb: str, *arguments: str, code: int = 0, timeout: float = 400) -> str:
        """Run a verb that must end with `code`; return what it printed."""
        done = self.slipway(verb, *arguments, timeout=timeout)
        assert done.returncode == code, f"{verb}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout

    def night(self, *codes: int) -> dict[str, Any]:
        """Run a drift, which must end with one of these codes, and return its report."""
        done = self.slipway("drift", "-o", "json")
        assert done.returncode in codes, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def start(self, verb: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a verb in a process group of its own, for a test that ends it.

        A shell has what it starts in the background ignore Ctrl-C, and children inherit that.
        """
        return subprocess.Popen(
            [SLIPWAY, verb, self.inventory, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=os.environ | CLEAN,
            start_new_session=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def plan(self, code: int = 5) -> list[dict[str, Any]]:
        """Return the rows of a plan that are pending or wrong."""
        rows: list[dict[str, Any]] = json.loads(self.ok("plan", "-o", "json", code=code))["rows"]
        return [row for row in rows if row["state"] != "none"]

    def on(self, node: str, script: str, check: bool = True) -> str:
        """Run a shell script on one of the lab's hosts, beside slipway; return what it printed."""
        return str(self.lab.exec(node, ["sh", "-c", script], check=check).stdout).strip()

    def trust(self) -> None:
        """Know the hosts' keys, as the lab made them."""
        keys.trust(self.name, self.lab.known_hosts())

    def forget(self) -> None:
        """Remove what the controller keeps of this cluster."""
        shutil.rmtree(paths.cluster_state(self.name), ignore_errors=True)


def site(
    lab: Lab,
    name: str,
    directory: Path,
    nodes: Iterable[tuple[str, str, str]],
    like: str = "lab",
    **kubernetes: Any,
) -> Site:
    """Return the cluster `name` on hosts of a lab; `nodes` are (host of the lab, name, role).

    Everything else is as in the inventory of the name `like`.
    """
    data = yaml.safe_load((ROOT / f"inventories/{like}.yaml").read_text())
    data["name"] = name
    data["nodes"] = [node(lab, *each) for each in nodes]
    data["ssh"]["key"] = str(lab.key)
    data["artifacts"] = {"mirror": lab.layout.mirror, "registry_mirror": lab.layout.registry}
    data["kubernetes"] |= kubernetes
    data["load_balancer"]["pool"] = [f"{lab.subnet[200]}-{lab.subnet[219]}"]
    made = Site(lab, name, directory, data)
    lab.write_lock(made.write())
    made.trust()
    return made


def node(lab: Lab, host: str, name: str, role: str) -> dict[str, Any]:
    """Return a host of the lab as an inventory's node."""
    return {"name": name, "address": str(lab.address(host)), "roles": [role]}


def until(true: Callable[[], bool], seconds: float, what: str, every: float = 0.2) -> None:
    """Wait until something holds; fail, saying what did not come, after so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(every)
