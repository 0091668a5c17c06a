"""Who reaches Harbor's pods and its database's; these may ask anybody, as for replicas and logins."""

from __future__ import annotations

from deploy.steps import policies
from deploy.steps.registry import objects
from deploy.steps.registry.harbor_values import NGINX, PORT, POSTGRESQL, RELEASE
from deploy.steps.registry.objects import Object

# the labels that the chart gives all of its pods, databases of its own among them (harbor.matchLabels)
HARBOR = {"release": RELEASE, "app": "harbor"}
DATABASE = {"cnpg.io/cluster": POSTGRESQL}
POSTGRES, STATUS, METRICS = 5432, 8000, 9187
"""A PostgreSQL pod's ports (cloudnative-pg docs/src/networking.md, monitoring.md)."""


def harbor() -> list[Object]:
    """Return that Harbor's pods reach each other, and everybody its front: nodes and load balancers too."""
    among = {"from": [_pods(HARBOR)]}
    return [
        policies.policy(objects.metadata("harbor"), HARBOR, [among], egress=None),
        policies.policy(
            objects.metadata("harbor-front"), NGINX, [{"ports": [policies.tcp(PORT)]}], egress=None
        ),
    ]


def database(operator: str, home: str) -> Object:
    """Return that Harbor asks its database, its pods each other, its operator all; any pod reads metrics.

    `operator` is what the operator's chart calls its pods, `home` their namespace.
    """
    namespace = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": home}}}
    asked = {"from": [_pods(HARBOR)], "ports": [policies.tcp(POSTGRES)]}
    managed = {
        "from": [_pods(DATABASE), {**namespace, **_pods({"app.kubernetes.io/name": operator})}],
        "ports": [policies.tcp(POSTGRES), policies.tcp(STATUS)],
    }
    scraped = {**policies.PODS, "ports": [policies.tcp(METRICS)]}
    metadata = objects.metadata(POSTGRESQL, POSTGRESQL)
    return policies.policy(metadata, DATABASE, [asked, managed, scraped], egress=None)


def _pods(labels: dict[str, str]) -> Object:
    return {"podSelector": {"matchLabels": labels}}
