"""A cluster with GPUs of three vendors as the lab's inventory declares them; the hardware is simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from deploy.lab import Lab
from deploy.lab.hardware import script
from deploy.model import Node
from tests.lab.site import ROOT, Site

FACES = {"n2": "two-a770", "n3": "eight-mi300x", "n4": "eight-h100"}
MANIFESTS = ROOT / "files/lab/gpu/manifests"


def with_gpus(
    lab: Lab,
    name: str,
    directory: Path,
    faces: Mapping[str, str] = MappingProxyType(FACES),
    nodes: Sequence[dict[str, Any]] = (),
) -> Site:
    """Return the cluster of inventories/lab-gpus.yaml, or of other nodes like it, with their faces on."""
    data = yaml.safe_load((ROOT / "inventories/lab-gpus.yaml").read_text())
    data["name"] = name
    data["nodes"] = [*nodes] or data["nodes"]
    for host, node in zip(lab.nodes, data["nodes"], strict=True):
        node["address"] = str(lab.address(host))
    data["ssh"]["key"] = str(lab.key)
    data["artifacts"] = {"mirror": lab.layout.mirror, "registry_mirror": lab.layout.registry}
    vendors = {str(gpus.vendor) for node in data["nodes"] for gpus in Node.model_validate(node).gpus}
    data["gpu"] = {vendor: {"manifest": str(MANIFESTS / f"{vendor}.yaml")} for vendor in sorted(vendors)}
    site = Site(lab, name, directory, data)
    for host, profile in faces.items():
        face(site, host, profile)
    lab.write_lock(site.write())
    site.trust()
    return site


def face(site: Site, host: str, profile: str) -> None:
    """Put other cards into a host."""
    site.lab.exec(host, ["sh", "-c", script(profile)])
