"""Clusters with a registry."""

from __future__ import annotations

from typing import Any

from clusters import CLUSTER

from checks.acceptance.registry_script import Said, parse
from checks.finding import Status
from deploy.model import Cluster

HOSTNAME = "registry.home.arpa"
DECLARED: dict[str, Any] = {"provider": "distribution", "hostname": HOSTNAME}
REGISTRY = Cluster.model_validate({**CLUSTER.model_dump(mode="json"), "registry": DECLARED})
HARBOR = Cluster.model_validate(
    {**CLUSTER.model_dump(mode="json"), "registry": {**DECLARED, "provider": "harbor"}}
)
GOOD = """\
push 201 0.50 200000000
tag-probe 201 0.01 0
resolve 200 0.01 0
resolved yes
pull 200 0.25 400000000
same yes
anyone-reads 401 0 0
anyone-writes 401 0 0
end
"""


def by_check(findings: Any) -> dict[str, tuple[Status, str]]:
    return {each.check: (each.status, each.found) for each in findings}


def said(**change: str | None) -> Said:
    """Return a good script's words with some of its lines replaced, or left out (None)."""
    lines = GOOD.splitlines()
    for name, line in change.items():
        first = name.replace("_", "-")
        lines = [line if each.split()[0] == first else each for each in lines]  # type: ignore[misc]
    return parse("\n".join(line for line in lines if line is not None))
