"""NetworkPolicies of models, store and registry: as a pod network that enforces them would read them."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.model import Cluster
from deploy.steps import policies
from deploy.steps.object_store import minio, seaweedfs
from deploy.steps.registry import databases, distribution, reached
from deploy.steps.serving import exposed, populate, vllm
from tests.unit.serving.clusters import FOLDER, HUB, TINY
from tests.unit.serving.clusters import cluster as models
from tests.unit.steps.registries import STORE, cluster, registry_of

IMAGE = "example.org/x@sha256:aa"
GATEWAY = {"expose": "gateway", "gateway": {"name": "public", "namespace": "gateways"}}
Object = dict[str, Any]


def store(provider: str) -> list[Object]:
    declared = cluster("distribution", parts={"object_store": {**STORE, "provider": provider}}).object_store
    assert declared is not None
    made = {"minio": minio, "seaweedfs": seaweedfs}[provider]
    return [*made.objects(declared, IMAGE), made.buckets(declared, IMAGE)]


def registry(**registry: Any) -> list[Object]:
    declared = cluster("distribution", parts={"object_store": STORE}, **registry)
    return distribution.rendered(declared, registry_of(declared), IMAGE)


def model(**changes: Any) -> list[Object]:
    declared: Cluster = models({**TINY, **changes})
    [one] = declared.models
    job = populate.job(declared, one, IMAGE)
    return [*exposed.objects(one), vllm.deployment(declared, one, IMAGE)[1], job]


RENDERED = {
    "minio": store("minio"),
    "seaweedfs": store("seaweedfs"),
    "registry": registry(storage="s3"),
    "registry inside": registry(expose="cluster"),
    "model": model(),
    "model inside": model(expose="cluster"),
    "model behind a gateway": model(**GATEWAY),
    "model of a hub": model(source=HUB["source"]),
}


def of(kind: str, objects: list[Object]) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


def over(labels: Object, objects: list[Object]) -> list[Object]:
    """The policies that select a pod with these labels."""
    return [
        each["spec"]
        for each in of("NetworkPolicy", objects)
        if each["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    ]


def pods(objects: list[Object]) -> list[Object]:
    return [each["spec"]["template"] for each in objects if "template" in each.get("spec", {})]


def ports(rules: list[Object]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


@pytest.mark.parametrize("name", RENDERED)
def test_every_pod_is_in_one_policy_and_lets_in_no_port_that_it_does_not_open(name: str) -> None:
    for pod in pods(RENDERED[name]):
        [policy] = over(pod["metadata"]["labels"], RENDERED[name])
        opened = {
            port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports", ())
        }

        assert ports(policy.get("ingress", [])) == opened
        assert "Ingress" in policy["policyTypes"]


@pytest.mark.parametrize("name", RENDERED)
def test_whoever_is_sent_by_a_service_is_let_in_and_from_anywhere_where_nodes_pass_him_on(name: str) -> None:
    rendered = RENDERED[name]
    # containerd asks the registry from the nodes' network, by the address of its ClusterIP
    from_nodes = name.startswith("registry") or "gateway" in name
    for service in of("Service", rendered):
        [pod] = [
            each
            for each in pods(rendered)
            if service["spec"]["selector"].items() <= each["metadata"]["labels"].items()
        ]
        named = {
            port["name"]: port["containerPort"]
            for each in pod["spec"]["containers"]
            for port in each["ports"]
        }
        [policy] = over(pod["metadata"]["labels"], rendered)
        for port in service["spec"]["ports"]:
            asked = named.get(port["targetPort"], port["targetPort"])
            [rule] = [each for each in policy["ingress"] if asked in ports([each])]
            anywhere = from_nodes or service["spec"]["type"] == "LoadBalancer"
            assert rule.get("from") == (None if anywhere else [{"namespaceSelector": {}}])


def test_a_store_asks_nobody_and_its_job_the_store_alone() -> None:
    server, job = (each["spec"] for each in of("NetworkPolicy", RENDERED["minio"]))

    assert (server["policyTypes"], server.get("egress")) == (["Ingress", "Egress"], None)
    assert job.get("ingress") is None
    assert job["egress"] == [
        policies.NAMES,
        {
            "to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "minio"}}}],
            "ports": [{"port": 9000, "protocol": "TCP"}],
        },
    ]


def test_what_fetches_a_model_may_ask_anybody_and_is_asked_by_nobody() -> None:
    [job] = of("Job", RENDERED["model"])

    [policy] = over(job["spec"]["template"]["metadata"]["labels"], RENDERED["model"])

    assert (policy["policyTypes"], policy.get("ingress")) == (["Ingress"], None)


def test_a_model_whose_files_are_there_has_nothing_that_fetches() -> None:
    [one] = models(FOLDER).models

    assert [each["metadata"]["name"] for each in of("NetworkPolicy", exposed.objects(one))] == ["model-mine"]


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("https://s3.home.arpa", 443),
        ("http://s3.home.arpa", 80),
        ("https://s3.home.arpa:9000", 9000),
    ],
)
def test_a_registry_gets_to_the_store_where_it_is(endpoint: str, port: int) -> None:
    keys = {"access_key": {"env": "A"}, "secret_key": {"env": "B"}}
    away = {"provider": "external", "endpoint": endpoint, "credentials": keys, "buckets": ["registry"]}
    declared = cluster("distribution", storage="s3", parts={"object_store": away})

    rendered = distribution.rendered(declared, registry_of(declared), IMAGE)

    [policy] = of("NetworkPolicy", rendered)
    assert ports(policy["spec"]["egress"]) == {53, port}


def test_harbors_pods_reach_each_other_and_everybody_its_front() -> None:
    among, front = of("NetworkPolicy", reached.harbor())

    labels = {"release": "harbor", "app": "harbor"}
    assert among["spec"]["podSelector"]["matchLabels"] == labels
    assert among["spec"]["ingress"] == [{"from": [{"podSelector": {"matchLabels": labels}}]}]
    assert front["spec"]["podSelector"]["matchLabels"] == {**labels, "component": "nginx"}
    assert front["spec"]["ingress"] == [{"ports": [{"port": 8443, "protocol": "TCP"}]}]
    assert {each["metadata"]["namespace"] for each in (among, front)} == {"registry"}


def test_harbors_database_is_asked_by_harbor_its_own_and_the_operator() -> None:
    policy = reached.database(databases.OPERATOR, databases.OPERATOR_HOME)["spec"]

    harbor = {"podSelector": {"matchLabels": {"release": "harbor", "app": "harbor"}}}
    own = {"podSelector": {"matchLabels": {"cnpg.io/cluster": "harbor-db"}}}
    operator = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "cnpg-system"}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "cloudnative-pg"}},
    }
    assert policy["podSelector"]["matchLabels"] == own["podSelector"]["matchLabels"]
    assert [(each["from"], sorted(ports([each]))) for each in policy["ingress"]] == [
        ([harbor], [5432]),
        ([own, operator], [5432, 8000]),
        ([{"namespaceSelector": {}}], [9187]),
    ]
    assert policy["policyTypes"] == ["Ingress"]
