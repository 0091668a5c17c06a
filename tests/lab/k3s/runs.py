"""How k3s runs on the hosts of these tests, and what a night says of them."""

from __future__ import annotations

import json
import re
from typing import Any

from deploy.model import paths
from tests.lab.site import Site, of_the_machine

VERSION = "v1.36.3+k3s1"
UNITS = {"n1": "k3s.service", "n2": "k3s-agent.service", "n3": "k3s-agent.service"}
TOKEN = "/var/lib/rancher/k3s/server/token"
KUBECTL = "kubectl -n kube-system"
NAMESPACES = ("kube-system", "metallb-system")


def runs(site: Site) -> dict[str, str]:
    """Return systemd's ids of the units' current runs."""
    return {
        host: site.on(host, f"systemctl show -p InvocationID --value {unit}") for host, unit in UNITS.items()
    }


def pods(site: Site) -> set[str]:
    """Return the ids of the pods that belong to the cluster, not those of a verify."""
    items = json.loads(site.on("n1", "kubectl get pods -A -o json"))["items"]
    return {each["metadata"]["uid"] for each in items if each["metadata"]["namespace"] in NAMESPACES}


def failed(report: dict[str, Any]) -> set[tuple[str, str | None]]:
    """Return the checks that failed or could not be judged, and their hosts."""
    return {
        (each["check"], each["host"])
        for each in report["findings"]
        if each["status"] in ("fail", "unavailable") and each["severity"] != "info"
        if not of_the_machine(each)
    }


def took(site: Site, host: str, operation: str) -> float:
    """Return how many seconds an operation of the last apply ran on a host."""
    log = max(paths.logs(site.name).glob("*-apply-*.log"), key=lambda path: path.stat().st_mtime)
    found = re.findall(rf"\[{host}\] \S+ (\d+\.\d+)s: {re.escape(operation)}:", log.read_text())
    assert found, f"{operation} did not run on {host}: {log}"
    return float(found[-1])
