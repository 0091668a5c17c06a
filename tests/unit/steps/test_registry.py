"""The plain registry's objects, whole; Harbor's values, against every key that its chart knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.catalog import chart_keys, registry_needs
from deploy.catalog.needs import needed
from deploy.model import Cluster
from deploy.plan import phases, unsupported
from deploy.steps import cert_manager, certificates
from deploy.steps.registry import databases, distribution, harbor_values, objects
from deploy.steps.registry.harbor import claims, reads
from tests.unit.steps.registries import AWAY, NEAR, STORE, cluster, registry_of

GOLDEN = Path(__file__).parent / "golden"
IMAGE = f"docker.io/library/registry:3.1.2@sha256:{'0' * 64}"
PLAIN = cluster("distribution", placement=NEAR)
BUCKET = cluster(
    "distribution", storage="s3", expose="cluster", parts={"object_store": STORE, "load_balancer": None}
)
HARBOR = cluster("harbor")
HARBOR_S3 = cluster(
    "harbor",
    storage="s3",
    placement=NEAR,
    database={"provider": "cloudnative-pg", "placement": AWAY, "instances": 2},
    cache={"provider": "valkey", "placement": AWAY},
    parts={"object_store": STORE},
)
ELSEWHERE = cluster(
    "harbor",
    database={"provider": "external", "host": "db.home.arpa", "password": {"env": "PGPASSWORD"}},
    cache={"provider": "external", "host": "192.168.1.6"},
)


def images(declared: Cluster) -> dict[str, dict[str, str]]:
    return {
        name.removeprefix("harbor-"): {"repository": f"docker.io/goharbor/{name}", "tag": "v1@sha256:0"}
        for name in registry_needs.images(declared)
    }


def harbor(declared: Cluster) -> dict[str, Any]:
    return harbor_values.values(declared, registry_of(declared), images(declared))


@pytest.mark.parametrize(("name", "declared"), [("registry", PLAIN), ("registry-s3", BUCKET)])
def test_the_plain_registry_is_these_objects(name: str, declared: Cluster) -> None:
    rendered = distribution.rendered(declared, registry_of(declared), IMAGE)

    assert rendered == list(yaml.safe_load_all((GOLDEN / f"{name}.yaml").read_text()))


@pytest.mark.parametrize(("name", "declared"), [("harbor", HARBOR), ("harbor-s3", HARBOR_S3)])
def test_harbor_is_asked_for_this(name: str, declared: Cluster) -> None:
    assert harbor(declared) == yaml.safe_load((GOLDEN / f"{name}-values.yaml").read_text())


@pytest.mark.parametrize("declared", [HARBOR, HARBOR_S3, ELSEWHERE])
def test_harbors_chart_knows_every_value(declared: Cluster) -> None:
    assert chart_keys.load("harbor").unknown_values(harbor(declared)) == []


def test_a_misspelt_value_is_found() -> None:
    values, store = harbor(HARBOR_S3), "persistence.imageChartStorage"
    values["persistence"]["imageChartStorage"]["disableRedirect"] = True
    values["existingSecretAdminPasswd"] = "harbor-secrets"

    assert chart_keys.load("harbor").unknown_values(values) == [
        f"harbor knows no value {store}.disableRedirect; did you mean {store}.disableredirect?",
        "harbor knows no value existingSecretAdminPasswd; did you mean existingSecretAdminPassword?",
    ]


@pytest.mark.parametrize("declared", [HARBOR, HARBOR_S3, ELSEWHERE])
def test_the_chart_generates_nothing_at_a_render(declared: Cluster) -> None:
    """Each of these, left empty, makes templates/ call genCA, randAlphaNum or htpasswd (v1.19.1)."""
    values = harbor(declared)
    asked = [
        ("existingSecretAdminPassword",),
        ("existingSecretSecretKey",),
        ("core", "existingSecret"),
        ("core", "existingXsrfSecret"),
        ("core", "secretName"),
        ("jobservice", "existingSecret"),
        ("registry", "existingSecret"),
        ("registry", "credentials", "existingSecret"),
        ("expose", "tls", "secret", "secretName"),
        ("caSecretName",),
    ]

    assert [path for path in asked if not _at(values, path)] == []
    assert values["expose"]["tls"]["certSource"] == "secret"


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values.get(key, {})
    return values


def test_cloudnative_pg_and_valkey_know_what_they_are_asked_for() -> None:
    wanted = registry_of(HARBOR_S3)
    image = {"repository": "docker.io/valkey/valkey", "tag": "9.0.2@sha256:0"}
    database = databases.postgresql(wanted, "ghcr.io/cloudnative-pg/postgresql:18")
    known = chart_keys.load("cloudnative-pg")

    assert known.unknown_fields(database) == []
    assert known.unknown_values(databases.operator_values(wanted.database, image)) == []
    assert chart_keys.load("valkey").unknown_values(databases.valkey_values(wanted.cache, image)) == []

    database["spec"]["imagename"] = database["spec"].pop("imageName")
    assert known.unknown_fields(database) == ["no field spec.imagename; did you mean spec.imageName?"]


def test_databases_stay_away_from_where_the_registry_is() -> None:
    wanted = registry_of(HARBOR_S3)
    database = databases.postgresql(wanted, "x")

    assert database["spec"]["affinity"] == {"nodeSelector": {"tier": "plain"}}
    assert harbor(HARBOR_S3)["core"]["nodeSelector"] == {"tier": "gpu"}


@pytest.mark.parametrize(("instances", "guarded"), [(1, False), (2, True)])
def test_a_database_that_is_alone_lets_its_node_be_drained(instances: int, guarded: bool) -> None:
    wanted = registry_of(HARBOR_S3)
    database = wanted.database.model_copy(update={"instances": instances})

    made = databases.postgresql(wanted.model_copy(update={"database": database}), "x")

    assert made["spec"]["enablePDB"] is guarded


def test_only_what_is_declared_is_needed() -> None:
    def keys(declared: Cluster) -> set[str]:
        found = needed(declared)
        wanted = {*registry_needs.images(HARBOR_S3), *registry_needs.images(HARBOR), "registry"}
        charts = {"harbor-chart", "cloudnative-pg-chart", "valkey-chart"}
        return {each.key for each in (*found.files, *found.images)} & (wanted | charts)

    parts = {"harbor-nginx", "harbor-portal", "harbor-core", "harbor-jobservice"}
    parts |= {"harbor-registry", "harbor-registryctl", "harbor-chart"}
    assert keys(PLAIN) == {"registry"}
    assert keys(HARBOR) == {*parts, "harbor-database", "harbor-redis"}
    assert keys(ELSEWHERE) == parts
    assert keys(HARBOR_S3) == {
        *parts, "cloudnative-pg-chart", "cloudnative-pg", "postgresql", "valkey-chart", "valkey",
    }  # fmt: skip


def test_the_registry_comes_after_what_it_stands_on() -> None:
    signed = {"certificates": {"provider": "cert-manager"}, "object_store": STORE}
    names = [phase.name for phase in phases(cluster("harbor", storage="s3", parts=signed))]

    wanted = ["certificates", "trust", "object-store", "registry"]
    assert [name for name in names if name in wanted] == wanted
    assert "trust" not in [phase.name for phase in phases(PLAIN)]


def test_a_registry_that_images_come_from_is_not_taken_over() -> None:
    [wrong] = unsupported(cluster("distribution", hostname="ghcr.io"))

    assert (wrong.place, wrong.text) == (
        ("registry", "hostname"),
        "every image of ghcr.io would be looked for in the cluster's own; wanted a name that nobody has",
    )


def test_cert_managers_ca_needs_no_secret_of_its_own_to_begin_with() -> None:
    authority, issuer = cert_manager.authority("homelab")

    assert authority["spec"]["issuerRef"]["name"] == cert_manager.issuer()["metadata"]["name"]
    assert cert_manager.issuer()["spec"] == {"selfSigned": {}}
    assert issuer["spec"] == {"ca": {"secretName": authority["spec"]["secretName"]}}


def test_a_certificate_of_cert_manager_is_for_the_same_names() -> None:
    names, addresses = objects.names(PLAIN)

    assert certificates.certificate(objects.TLS, names, addresses) == {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {
            "name": "registry-tls",
            "namespace": "registry",
            "labels": {"app.kubernetes.io/managed-by": "slipway"},
        },
        "spec": {
            "secretName": "registry-tls",
            "commonName": "registry.home.arpa",
            "dnsNames": [
                "registry.home.arpa",
                "registry.registry.svc",
                "registry.registry.svc.cluster.local",
            ],
            "ipAddresses": ["10.43.0.20"],
            "duration": "19800h",
            "renewBefore": "6600h",
            "usages": ["digital signature", "server auth"],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "issuerRef": {"name": "slipway-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"},
        },
    }


def test_harbors_components_are_as_new_as_the_credentials_that_they_read() -> None:
    def read(declared: Cluster) -> dict[str, list[str]]:
        return {name: [each.name for each in found] for name, found in reads(registry_of(declared)).items()}

    own = ["harbor-secrets", "harbor-registry-credentials"]
    plain = {"nginx": ["registry-tls"], "core": [*own, "harbor-token"], "jobservice": own, "registry": own}
    elsewhere = cluster("harbor", database={"provider": "external", "host": "db.home.arpa"})

    assert read(HARBOR) == plain
    assert read(HARBOR_S3) == {
        **plain,
        "core": [*own, "harbor-token", "harbor-db-app"],
        "registry": [*own, "registry-s3"],
    }
    assert read(elsewhere)["core"] == [*own, "harbor-token", "harbor-external-database"]


def test_harbors_claims_are_of_the_classes_that_were_declared() -> None:
    declared = cluster("harbor", storage_class="fast", database={"storage_class": "safe", "size": "5Gi"})

    assert [(each.name, each.size, each.storage_class) for each in claims(registry_of(declared))] == [
        ("harbor-registry", "50Gi", "fast"),
        ("database-data-harbor-database-0", "5Gi", "safe"),
    ]
