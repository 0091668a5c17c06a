"""A worker more, a rolling change under load, and a worker that is down: the cluster goes on."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException

import pytest

from tests.lab.site import KUBECTL, Site, node, settled, until

HELLO = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: hello}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: hello}}}}
  template:
    metadata: {{labels: {{app: hello}}}}
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: DoNotSchedule
          labelSelector: {{matchLabels: {{app: hello}}}}
      containers:
        - name: hello
          image: {image}
          args: [netexec]
          readinessProbe: {{httpGet: {{path: /hostname, port: 8080}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: hello}}
spec:
  type: LoadBalancer
  loadBalancerIP: {address}
  selector: {{app: hello}}
  ports: [{{port: 80, targetPort: 8080}}]
"""


@dataclass
class Watch:
    """What a client saw, who asked all the time."""

    answered: int = 0
    missed: list[str] = field(default_factory=list)
    longest: float = 0.0


@contextmanager
def asking(url: str) -> Iterator[Watch]:
    """Ask a URL ten times a second from outside the cluster."""
    seen, stop = Watch(), threading.Event()

    def ask() -> None:
        last = time.monotonic()
        while not stop.wait(0.1):
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    answer.read()
                seen.answered += 1
                seen.longest = max(seen.longest, time.monotonic() - last)
                last = time.monotonic()
            except (OSError, HTTPException) as error:
                seen.missed.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
def grown(core: Site) -> Site:
    """The cluster with a second worker."""
    core.data["nodes"].append(node(core.lab, "n3", "w2", "worker"))
    core.write()
    return core


def test_a_worker_that_is_added_joins_and_the_others_learn_its_name_only(grown: Site) -> None:
    rows = grown.plan()
    others = {(row["host"], row["operation"]) for row in rows if row["host"] != "w2"}
    assert others <= {
        (host, operation)
        for host in ("cp1", "w1")
        for operation in ("Let the host know the others", "Claim the host for the cluster")
    } | {("cp1", "Label and taint the nodes")}

    grown.ok("apply", "--yes")

    nodes = json.loads(grown.on("n1", f"{KUBECTL} get nodes -o json"))["items"]
    assert sorted(each["metadata"]["name"] for each in nodes) == ["cp1", "w1", "w2"]
    assert grown.plan(code=0) == []


def test_a_setting_rolls_host_by_host_and_the_address_keeps_answering(grown: Site) -> None:
    image = agnhost(grown)
    address = str(grown.lab.subnet[210])
    grown.lab.exec(
        "n1", [*KUBECTL.split(), "apply", "-f", "-"], stdin=HELLO.format(image=image, address=address)
    )
    grown.on("n1", f"{KUBECTL} rollout status deployment/hello --timeout=300s")
    url = f"http://{address}/hostname"
    until(lambda: answers(url), 180, "an answer through the load balancer")
    before = lives(grown)
    grown.data["kubernetes"]["kubelet"]["maxPods"] = 90
    grown.write()
    disturbs = json.loads(grown.ok("plan", "-o", "json", code=5))["disturbs"]
    assert disturbs == {"cp1": "pods", "w1": "pods", "w2": "pods"}

    with asking(url) as seen:
        said = grown.ok("apply", "--yes")

    assert [line for line in said.splitlines() if "Roll cp1" in line]
    assert said.index("Roll cp1") < said.index("Roll w1") < said.index("Roll w2")
    assert seen.answered > 20
    # a restart of a kubelet ends no pod and moves no address; a busy machine may miss an answer all the same
    assert lives(grown) == before
    assert len(seen.missed) <= seen.answered // 20, seen
    assert seen.longest < 8, seen
    capacity = f"{KUBECTL} get nodes -o jsonpath='{{.items[*].status.capacity.pods}}'"
    until(lambda: grown.on("n1", capacity) == "90 90 90", 60, "the new number of pods")
    grown.on("n1", f"{KUBECTL} delete deployment,service hello --wait=false")


def lives(site: Site) -> set[tuple[str, int]]:
    """Return which pods are there, and how often what runs in each was started again."""
    pods = json.loads(site.on("n1", f"{KUBECTL} get pods -l app=hello -o json"))["items"]
    return {
        (each["metadata"]["uid"], container["restartCount"])
        for each in pods
        for container in each["status"]["containerStatuses"]
    }


def agnhost(site: Site) -> str:
    """Return the image that answers for its host's name, as the lock file pins it."""
    from deploy import catalog
    from deploy.model import load_cluster, paths

    version = load_cluster(site.inventory).kubernetes.version
    return str(catalog.lock.load(paths.lock_file(site.inventory)).image(f"agnhost@{version}").ref)


def answers(url: str) -> bool:
    """Say whether a URL answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_an_unreachable_worker_is_named_and_the_others_are_done(grown: Site) -> None:
    grown.on("n2", "rm /etc/modules-load.d/slipway.conf")
    grown.lab.stop("n3")
    try:
        done = grown.slipway("apply", "--yes")
        assert done.returncode == 6, done.stdout + done.stderr
        assert f"w2 ({grown.lab.address('n3')} port 22)" in done.stdout + done.stderr
        assert grown.on("n2", "cat /etc/modules-load.d/slipway.conf") != ""
    finally:
        grown.lab.start("n3")
    settled(grown)  # the API server may not have missed w2 yet

    grown.ok("apply", "--yes")
    assert grown.plan(code=0) == []
