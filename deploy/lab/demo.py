"""A workload to look at: two replicas that say their names, behind one address of the load balancer."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy import catalog
from deploy.lab.errors import LabError
from deploy.lab.hosts import KUBECTL
from deploy.lab.k3s import is_version
from deploy.lab.lab import Lab
from deploy.lab.layout import command
from deploy.lab.places import TEMPLATES
from deploy.model.api_server import ADMIN

NAMESPACE = "slipway-demo"
REPLICAS = 2
ASKED = 20
SECONDS = 120
SETTLES = 10.0  # seconds until kube-proxies have sent requests to every pod that is ready
K3S = "/usr/local/bin/k3s"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo found: what runs, by its own name, the address, and how often each pod answered."""

    control_plane: str
    version: str
    address: str
    pods: dict[str, str]
    answers: dict[str, int]


def objects(version: str) -> str:
    """Return the demo's objects for a cluster of that Kubernetes version."""
    [image] = [
        each.ref for each in catalog.load().kubernetes_images(version) if each.key.startswith("agnhost@")
    ]
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML
    )
    return environment.get_template("hello.yaml.j2").render(
        namespace=NAMESPACE, replicas=REPLICAS, image=image
    )


def shown(lab: Lab) -> Shown:
    """Deploy the demo on the lab's cluster and ask it from this machine until it answers."""
    node = _control_plane(lab)
    version = json.loads(_kubectl(lab, node, "version", "--output=json"))["serverVersion"]["gitVersion"]
    _kubectl(
        lab,
        node,
        "apply",
        "--server-side",
        "--field-manager=slipway-demo",
        "--filename=-",
        stdin=objects(version),
    )
    _kubectl(
        lab, node, "--namespace", NAMESPACE, "rollout", "status", "deployment/hello", f"--timeout={SECONDS}s"
    )
    address = _until(
        lambda: _address(lab, node), "the Service hello has no address: is a load balancer installed?"
    )
    url = f"http://{address}/hostname"
    _until(lambda: _get(url), f"{url} does not answer from this machine")
    pods = _pods(lab, node)
    return Shown(node, called(lab, node, version), address, pods, answers(url, pods))


def text(lab: Lab, found: Shown) -> str:
    """Return what an operator is told at the end."""
    url, inventory = f"http://{found.address}/hostname", f"inventories/{lab.name}.yaml"
    kubectl = f"kubectl --kubeconfig {ADMIN}"
    tries = {
        f"curl {url}": "names the pod that answered",
        f"{command('ssh', lab.name)} {found.control_plane}": "a shell on the control plane",
        f"{command('exec', lab.name)} {found.control_plane} -- {kubectl} get pods -A": "all that runs",
        f"slipway plan {inventory}": "what differs from the inventory",
        f"slipway verify {inventory}": "proves again that it works",
        f"slipway kubeconfig {inventory}": "for a kubectl of your own",
        command("down", lab.name): "takes it all away",
    }
    return "\n".join(
        [
            f"Kubernetes {found.version} runs on {len(lab.nodes)} hosts, and {url} answers:",
            *(
                f"    {pod} on {node}: {found.answers.get(pod, 0)} of {ASKED} answers"
                for pod, node in found.pods.items()
            ),
            "",
            "To try next:",
            *(f"    {command}  # {what}" for command, what in tries.items()),
        ]
    )


def called(lab: Lab, node: str, version: str) -> str:
    """Return the version as what runs calls itself: k3s' stand-in says that it is one."""
    if not is_version(version):
        return version
    return lab.exec(node, [K3S, "--version"]).stdout.partition("\n")[0].removeprefix("k3s version ")


def _control_plane(lab: Lab) -> str:
    for node in lab.nodes:
        if lab.exec(node, ["test", "-e", ADMIN], check=False).returncode == 0:
            return node
    raise LabError(
        f"no host of the lab {lab.name} runs a control plane. Run: slipway apply inventories/{lab.name}.yaml"
    )


def _kubectl(lab: Lab, node: str, *arguments: str, stdin: str | None = None) -> str:
    return lab.exec(node, [*KUBECTL, *arguments], stdin=stdin).stdout


def _address(lab: Lab, node: str) -> str:
    path = "jsonpath={.status.loadBalancer.ingress[0].ip}"
    return _kubectl(lab, node, "--namespace", NAMESPACE, "get", "service", "hello", "--output", path).strip()


def _pods(lab: Lab, node: str) -> dict[str, str]:
    """Return the pods that are to stay, and the node of each."""
    asked = ("--namespace", NAMESPACE, "get", "pods", "--selector=app=hello", "--output=json")
    items = json.loads(_kubectl(lab, node, *asked))["items"]
    staying = [each for each in items if "deletionTimestamp" not in each["metadata"]]
    return {each["metadata"]["name"]: each["spec"]["nodeName"] for each in staying}


def _get(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - the lab's own address
            return str(answer.read().decode())
    except (OSError, urllib.error.URLError):
        return None


def answers(url: str, pods: Mapping[str, str]) -> dict[str, int]:
    """Return how many of ASKED answers came from whom; a pod that is just ready gets some a moment later."""
    deadline = time.monotonic() + SETTLES
    while True:
        found = dict(Counter(_get(url) or "-" for _ in range(ASKED)))
        if found.keys() >= pods.keys() or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def _until(ask: Callable[[], str | None], otherwise: str) -> str:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.5)
    raise LabError(f"after {SECONDS} s {otherwise}")
