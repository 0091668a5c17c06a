"""The mirror and the registry of a lab: containers on its network that serve what was built."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from deploy.lab.errors import LabError
from deploy.lab.layout import MIRROR_HOST, MIRROR_PORT, REGISTRY_HOST, Layout
from deploy.lab.places import FILES
from deploy.lab.run import podman, run
from deploy.lab.supply import mirror_root, registry_root

MADE_OF = "slipway.made-of"
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Service:
    """One server: what it runs, what it sees of the machine, and a URL that answers when it is up."""

    role: str
    address: IPv4Address
    mounts: Mapping[str, str]
    command: Sequence[str]
    url: str

    def arguments(self, layout: Layout, image: str) -> list[str]:
        """Return the arguments that make the container; a label tells whether one made before is the same."""
        made_of = hashlib.sha256(repr((image, self)).encode()).hexdigest()[:16]
        label = f"--label={MADE_OF}={made_of}"
        return [*layout.service(self.role, self.address, image, self.mounts, label), *self.command]


def services(layout: Layout, registry: Path) -> tuple[Service, Service]:
    """Return a lab's servers; `registry` is the built program."""
    return (
        Service(
            "mirror",
            layout.subnet[MIRROR_HOST],
            {str(mirror_root()): "/srv/mirror"},
            ("busybox", "httpd", "-f", "-p", str(MIRROR_PORT), "-h", "/srv/mirror"),
            layout.mirror,
        ),
        Service(
            "registry",
            layout.subnet[REGISTRY_HOST],
            {
                str(registry_root()): "/var/lib/registry",
                str(registry.parent): "/opt/registry",
                str(FILES / "registry"): "/etc/registry",
            },
            (f"/opt/registry/{registry.name}", "serve", "/etc/registry/config.yaml"),
            f"{layout.registry}/v2/",
        ),
    )


def serve(layout: Layout, service: Service, image: str) -> None:
    """Have a server running as described, and wait until it answers."""
    name, arguments = layout.container(service.role), service.arguments(layout, image)
    if run(["podman", "container", "exists", name], check=False).returncode == 0:
        [found] = json.loads(podman("container", "inspect", name))
        if f"--label={MADE_OF}={found['Config']['Labels'].get(MADE_OF)}" not in arguments:
            podman("rm", "--force", "--time=2", name)
            podman(*arguments)
    else:
        podman(*arguments)
    podman("start", name)
    _await(service, name)


def answers(url: str) -> bool:
    """Say whether a server answers at all; a mirror's root has no index, so 404 is an answer."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the lab's own address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _await(service: Service, name: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not answers(service.url):
        if time.monotonic() > deadline:
            raise LabError(f"{service.url} has not answered in {SECONDS} s. Look: podman logs {name}")
        time.sleep(0.1)
