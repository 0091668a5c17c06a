"""`make bench`: what an apply, a second one, a plan, a verify cost here; beside Ansible, and with growth."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.lab import Lab
from tests.bench import ansible, many
from tests.bench.timed import Run, several, timed
from tests.lab.site import CLEAN, SLIPWAY, Site, node, site

HOSTS = 4
K3S = "v1.36.3+k3s1"
Row = tuple[str, str, str]


@contextmanager
def hosts(name: str, third: int, count: int, **more: Any) -> Iterator[tuple[Lab, Path]]:
    """A lab of the benchmark's own on 10.89.THIRD.0/24, taken away at its end."""
    lab, directory = Lab(name, IPv4Network(f"10.89.{third}.0/24"), count, **more), Path(tempfile.mkdtemp())
    try:
        lab.up()
        yield lab, directory
    finally:
        lab.down()
        shutil.rmtree(directory)


def run(made: Site, verb: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> Run:
    """Run a verb on the inventory."""
    return timed([SLIPWAY, verb, made.inventory, *arguments], CLEAN, codes=codes)


def spread(seconds: tuple[float, float, float]) -> str:
    """Return least, median and most."""
    return " / ".join(f"{each:.2f}" for each in seconds)


def cold(made: Site, what: str) -> list[Row]:
    """From bare hosts to verified, once."""
    done = run(made, "apply", "--yes")
    phases = "; ".join(line.strip() for line in done.output.splitlines() if line.rstrip().endswith(" s"))
    return [(f"bare hosts to verified, {what}", f"{done.wall:.1f}", phases or "-")]


def again(made: Site, hosts_: int) -> list[Row]:
    """What costs every day."""
    memory = run(made, "plan").memory
    return [
        (f"second apply, {hosts_} hosts", spread(several(lambda: run(made, "apply", "--yes"))), ""),
        (f"plan, {hosts_} hosts", spread(several(lambda: run(made, "plan"))), f"{memory:.0f} MiB at most"),
        (f"preflight, {hosts_} hosts", spread(several(lambda: run(made, "preflight", codes=(0, 3)))), ""),
        (f"verify --passive, {hosts_} hosts", spread(several(lambda: run(made, "verify", "--passive"))), ""),
    ]


def beside_ansible(made: Site) -> list[Row]:
    """Compare the baseline, nothing to change, in one run: first one tool, then the other, five times."""
    command, environment = ansible.play(made), ansible.environment(made)
    timed(command, environment)
    ours, theirs = [], []
    for _ in range(5):
        ours.append(run(made, "plan", "--only", "baseline").wall)
        theirs.append(timed(command, environment).wall)
    ratio = sorted(theirs)[2] / sorted(ours)[2]
    return [
        ("baseline, no change, slipway, 2 hosts", f"{sorted(ours)[2]:.2f}", "median of 5"),
        ("baseline, no change, Ansible, 2 hosts", f"{sorted(theirs)[2]:.2f}", f"ratio {ratio:.1f}"),
    ]


def machine() -> str:
    """Say what this ran on."""
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024 // 1024
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {memory} GiB, Linux {platform.release()}, load before {load:.1f}"


def measured() -> list[Row]:
    """Run all of it."""
    with hosts("bench", 31, HOSTS) as (lab, directory):
        made = site(lab, "bench", directory, [("n1", "cp1", "control-plane"), ("n2", "w1", "worker")])
        rows = cold(made, "1+1")
        rows += again(made, 2)
        rows += [("verify, 2 hosts", spread(several(lambda: run(made, "verify"), 3)), "with pods of its own")]
        for host in ("n1", "n2"):
            ansible.python(lab, host)
        rows += beside_ansible(made)
        made.data["nodes"] += [node(lab, f"n{number}", f"w{number - 1}", "worker") for number in (3, 4)]
        made.write()
        grown = run(made, "apply", "--yes")
        rows += [("two workers added", f"{grown.wall:.1f}", "")]
        rows += again(made, HOSTS)
        made.forget()
    return [*rows, *k3s(), *many.measured(4, 50)]


def k3s() -> list[Row]:
    """The same of a server and two agents of k3s, which is a stand-in where k3s itself cannot be had."""
    nodes = [("n1", "s1", "control-plane"), ("n2", "a1", "worker"), ("n3", "a2", "worker")]
    with hosts("bench-k3s", 32, len(nodes), versions=(K3S,)) as (lab, directory):
        made = site(lab, "bench-k3s", directory, nodes, like="lab-k3s")
        rows = cold(made, "1+2")
        name = "k3s stand-in" if "stand-in" in made.on("n1", "k3s --version") else "k3s"
        rows += again(made, len(nodes))
        made.forget()
    return [(f"{name}: {what}", seconds, beside) for what, seconds, beside in rows]


def main() -> None:
    """Measure, then print one table."""
    before = machine()
    table = Table("what", "seconds (least / median / most)", "", title=before)
    for row in measured():
        table.add_row(*row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
