"""What a cluster costs: from bare hosts, and every day after; one host, two, four."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from deploy.lab import Lab
from deploy.model import load_cluster, paths
from tests.bench import ansible
from tests.bench.timed import Row, Run, Spread, several, shown, timed
from tests.lab.faces import with_gpus
from tests.lab.serving.models import with_models
from tests.lab.site import CLEAN, SLIPWAY, Site, node, site

HOSTS = 4
K3S = "v1.36.3+k3s1"
FOUND = (0, 3, 5)  # what a check finds is not the benchmark's matter
PHASE = re.compile(r"  (?P<title>\S.*?) +(?P<seconds>\d+\.\d) s   \d+ changed.*")
DAILY = {
    "second apply": ("apply", "--yes"),
    "plan": ("plan",),
    "preflight": ("preflight",),
    "verify --passive": ("verify", "--passive"),
    "drift": ("drift",),
}
CONFIG = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: {version}\n"


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


def measured(parts: frozenset[str]) -> list[Row]:
    """Measure the parts that need hosts: `one`, `cluster` (two hosts, then four), `ansible` (two hosts)."""
    rows: list[Row] = []
    with hosts("bench", 31, HOSTS) as (lab, directory):
        alone = _alone(lab, directory, rows) if "one" in parts else {}
        if parts & {"cluster", "ansible"}:
            made = site(lab, "bench", directory, [("n1", "cp1", "control-plane"), ("n2", "w1", "worker")])
            rows.append(cold(made, "bare hosts to verified, 1+1"))
            if "cluster" in parts:
                rows += _every_day(made, 2)[0]
                rows += [verified(made), beside_kubeadm(made)]
            if "ansible" in parts:
                rows += beside_ansible(made, ("n1", "n2"))
            if "cluster" in parts:
                rows += _grown(made, alone)
            made.forget()
    return rows


def k3s() -> list[Row]:
    """The same of a server and two agents of k3s, which is a stand-in where k3s itself cannot be had."""
    nodes = [("n1", "s1", "control-plane"), ("n2", "a1", "worker"), ("n3", "a2", "worker")]
    with hosts("bench-k3s", 32, len(nodes), versions=(K3S,)) as (lab, directory):
        made = site(lab, "bench-k3s", directory, nodes, like="lab-k3s")
        rows = [cold(made, "bare hosts to verified, 1+2"), *_every_day(made, len(nodes))[0]]
        name = "k3s stand-in" if "stand-in" in made.on("n1", "k3s --version") else "k3s"
        made.forget()
    return [(f"{name}: {what}", seconds, beside) for what, seconds, beside in rows]


def models() -> list[Row]:
    """From bare hosts to a completion: volumes, an object store, a registry and a model of random weights."""
    nodes = [("n1", "cp1", "control-plane"), ("n2", "w1", "worker")]
    with hosts("bench-llm", 35, len(nodes)) as (lab, directory):
        made = with_models(lab, "bench-llm", directory, nodes, like="lab-llm")
        rows = [
            cold(made, "bare hosts to a completion, 1+1"),
            *_every_day(made, len(nodes))[0],
            verified(made),
        ]
        made.forget()
    return [(f"with a model: {what}", seconds, beside) for what, seconds, beside in rows]


def gpus() -> list[Row]:
    """From bare hosts to every claim satisfied: GPUs of three vendors, simulated."""
    with hosts("bench-gpus", 36, 4) as (lab, directory):
        made = with_gpus(lab, "bench-gpus", directory)
        rows = [cold(made, "bare hosts to every claim satisfied, 1+3"), *_every_day(made, 4)[0]]
        made.forget()
    return [(f"simulated GPUs: {what}", seconds, beside) for what, seconds, beside in rows]


def _alone(lab: Lab, directory: Path, rows: list[Row]) -> Mapping[str, Spread]:
    """Measure one host, and make it bare again."""
    made = site(lab, "bench-one", directory, [("n4", "cp1", "control-plane")])
    rows.append(cold(made, "bare host to verified, one"))
    more, spreads = _every_day(made, 1)
    rows += more
    made.forget()
    lab.remove("n4")
    lab.hosts_up()
    return spreads


def _grown(made: Site, alone: Mapping[str, Spread]) -> list[Row]:
    made.data["nodes"] += [node(made.lab, f"n{number}", f"w{number - 1}", "worker") for number in (3, 4)]
    made.write()
    made.trust()
    added = run(made, "apply", "--yes")
    rows, spreads = _every_day(made, HOSTS)
    return [("two workers added", f"{added.wall:.1f}", phases(added.output)), *rows, *growth(alone, spreads)]


def run(made: Site, verb: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> Run:
    """Run a verb on the inventory."""
    return timed([SLIPWAY, verb, made.inventory, *arguments], CLEAN, codes=codes)


def cold(made: Site, what: str) -> Row:
    """From bare hosts to verified, once."""
    done = run(made, "apply", "--yes")
    return what, f"{done.wall:.1f}", phases(done.output)


def phases(output: str) -> str:
    """Return an apply's phases and their seconds, of the lines that it prints as it goes on."""
    found = filter(None, map(PHASE.fullmatch, output.splitlines()))
    return "; ".join(f"{each['title']} {each['seconds']}" for each in found) or "no phase changed anything"


def _every_day(made: Site, count: int) -> tuple[list[Row], dict[str, Spread]]:
    """Return what costs every day: the rows, and the seconds of each verb."""
    rows: list[Row] = []
    spreads = {}
    for what, (verb, *arguments) in DAILY.items():
        codes = FOUND if verb in ("preflight", "drift") else (0,)
        spread, memory = several(lambda: run(made, verb, *arguments, codes=codes))  # noqa: B023 - at once
        spreads[what] = spread
        rows.append((f"{what}, {count} host{'s' if count > 1 else ''}", shown(spread), f"{memory:.0f} MiB"))
    return rows, spreads


def growth(few: Mapping[str, Spread], many: Mapping[str, Spread]) -> list[Row]:
    """Say by how much the medians grew from one host to four."""
    return [
        (f"{what}, growth from 1 to {HOSTS} hosts", f"x {many[what][1] / few[what][1]:.2f}", "medians")
        for what in few
        if what in many
    ]


def verified(made: Site) -> Row:
    """A verify with pods of its own."""
    spread, memory = several(lambda: run(made, "verify"), 3)
    return "verify, 2 hosts", shown(spread), f"with pods of its own; {memory:.0f} MiB"


def beside_kubeadm(made: Site) -> Row:
    """The checks that kubeadm itself makes, of one host, all of them to the end; for scale."""
    cluster = load_cluster(made.inventory)
    config = CONFIG.format(version=cluster.kubernetes.version)
    made.on("n1", f"printf '{config}' > /run/bench-kubeadm.yaml".replace("\n", "\\n"))
    asked = "kubeadm init phase preflight --config /run/bench-kubeadm.yaml --ignore-preflight-errors=all"
    options = [
        "-o",
        "BatchMode=yes",
        "-i",
        made.lab.key,
        "-o",
        f"UserKnownHostsFile={paths.known_hosts(made.name)}",
    ]
    command = ["ssh", *options, f"root@{made.lab.address('n1')}", asked]
    spread, _ = several(lambda: timed(command, {}, codes=(0, 1)), 3)
    return "kubeadm init phase preflight, 1 host", shown(spread), "over ssh, its errors ignored; for scale"


def beside_ansible(made: Site, bare: tuple[str, ...]) -> list[Row]:
    """Compare the baseline, nothing to change, in one run: first one tool, then the other, five times."""
    for host in bare:
        ansible.python(made.lab, host)
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
