"""Secrets by reference, and where components may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.errors import InventoryError
from deploy.model import Cluster, Placement, SecretRef, load_cluster
from deploy.model.secret import absence, references, value
from tests.unit.model.conftest import Complaint

EXTERNAL = """
    name: lab
    nodes: [{name: cp1, address: 10.0.0.11, roles: [control-plane]}]
    object_store:
      provider: external
      endpoint: https://s3.home.arpa
      credentials: {access_key: %s, secret_key: {file: secret}}
"""


@pytest.mark.parametrize("given", ["{}", "{file: x, env: Y}", "{generate: false}"])
def test_a_reference_names_one_place(complaint: Complaint, given: str) -> None:
    text = complaint(EXTERNAL % given)

    found = "an empty mapping" if given == "{}" else "a mapping of keys"
    assert (
        f"object_store.credentials.access_key (line 6): found {found},"
        " wanted exactly one of file: PATH, env: NAME or generate: true"
    ) in text


@pytest.mark.parametrize("given", ["hunter2", "{env: hunter-2}", "{generate: hunter2}"])
def test_a_secret_in_place_of_a_reference_is_not_repeated(complaint: Complaint, given: str) -> None:
    text = complaint(EXTERNAL % given)

    assert "hunter" not in text
    assert (
        " (line 6): found a text, which is not shown here,"
        " wanted exactly one of file: PATH, env: NAME or generate: true"
    ) in text


def test_what_a_reference_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_KEY", "from the environment")
    (tmp_path / "secret").write_text("two\nlines\n")

    assert value(SecretRef(env="S3_KEY"), tmp_path) == "from the environment"
    assert value(SecretRef(file="secret"), tmp_path) == "two\nlines"
    assert value(SecretRef(file=str(tmp_path / "secret")), Path("/nowhere")) == "two\nlines"
    assert absence(SecretRef(generate=True), tmp_path) is None


def test_an_inventory_whose_secrets_are_missing_names_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("S3_KEY", raising=False)
    path = tmp_path / "lab.yaml"
    path.write_text(EXTERNAL.replace("\n    ", "\n") % "{env: S3_KEY}")

    with pytest.raises(InventoryError) as caught:
        load_cluster(path)

    assert str(caught.value) == (
        f"{path} is not a valid cluster:\n"
        "  object_store.credentials.access_key (line 7): the variable S3_KEY is not set, or empty;"
        " put the secret there, or refer to another place\n"
        f"  object_store.credentials.secret_key (line 7): {tmp_path}/secret cannot be read: No such file or"
        " directory; put the secret there, or refer to another place"
    )
    assert load_cluster(path, keys_exist=False).object_store is not None


def test_a_ca_that_is_no_certificate_is_a_mistake_where_it_will_be_used(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----")
    path.write_text(
        """name: lab
nodes: [{name: cp1, address: 10.0.0.11, roles: [control-plane]}]
storage: {}
models:
  - &m {name: a, source: {modelkit: r/a, ca: gone.pem}, weights: 1G, memory: 8G, context: 8, expose: cluster}
  - {<<: *m, name: b, source: {modelkit: r/b, ca: key.pem}}
"""
    )

    with pytest.raises(InventoryError) as caught:
        load_cluster(path)

    wanted = "; name the certificate of the CA as a PEM file"
    assert str(caught.value) == (
        f"{path} is not a valid cluster:\n"
        f"  models[0].source.ca (line 5): {tmp_path}/gone.pem cannot be read: No such file or"
        f" directory{wanted}\n"
        f"  models[1].source.ca (line 6): key.pem holds no certificate{wanted}"
    )


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")

    assert absence(SecretRef(file="secret"), tmp_path) == f"{tmp_path}/secret is empty"


def test_references_are_found_wherever_they_are() -> None:
    cluster = Cluster.model_validate(
        {
            "name": "lab",
            "nodes": [{"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]}],
            "object_store": {
                "provider": "external",
                "credentials": {"access_key": {"env": "A"}, "secret_key": {"env": "B"}},
            },
        }
    )

    assert [place for place, _ in references(cluster)] == [
        ("object_store", "credentials", "access_key"),
        ("object_store", "credentials", "secret_key"),
    ]


def test_a_placement_is_the_part_of_a_pod_that_it_names() -> None:
    placement = Placement.model_validate(
        {
            "node_selector": {"tier": "storage"},
            "tolerations": [{"key": "a"}, {"key": "b", "value": "c", "effect": "NoSchedule"}, {}],
        }
    )

    assert Placement().as_pod() == {}
    assert placement.as_pod() == {
        "nodeSelector": {"tier": "storage"},
        "tolerations": [
            {"key": "a", "operator": "Exists"},
            {"key": "b", "operator": "Equal", "value": "c", "effect": "NoSchedule"},
            {"operator": "Exists"},
        ],
    }
