"""A cluster with GPUs of three vendors as the lab's inventory declares them; the hardware is simulated."""

from __future__ import annotations

from pathlib import Path

import yaml

from deploy.lab import Lab
from deploy.lab.hardware import script
from tests.lab.site import ROOT, Site

FACES = {"n2": "two-a770", "n3": "eight-mi300x", "n4": "eight-h100"}
MANIFESTS = ROOT / "files/lab/gpu/manifests"


def with_gpus(lab: Lab, name: str, directory: Path) -> Site:
    """Return the cluster of inventories/lab-gpus.yaml on four hosts of a lab, with their faces on."""
    data = yaml.safe_load((ROOT / "inventories/lab-gpus.yaml").read_text())
    data["name"] = name
    for host, node in zip(lab.nodes, data["nodes"], strict=True):
        node["address"] = str(lab.address(host))
    data["ssh"]["key"] = str(lab.key)
    data["artifacts"] = {"mirror": lab.layout.mirror, "registry_mirror": lab.layout.registry}
    data["gpu"] = {path.stem: {"manifest": str(path)} for path in sorted(MANIFESTS.iterdir())}
    site = Site(lab, name, directory, data)
    for host, profile in FACES.items():
        face(site, host, profile)
    lab.write_lock(site.write())
    site.trust()
    return site


def face(site: Site, host: str, profile: str) -> None:
    """Put other cards into a host."""
    site.lab.exec(host, ["sh", "-c", script(profile)])
