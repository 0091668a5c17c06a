"""The registry's steps on a @fake host before there is a cluster, and what every host is told of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyinfra.api import deploy

from deploy.model import Cluster
from deploy.steps import baseline, cert_manager, certificates, containerd, trust
from deploy.steps.k3s import config as k3s
from deploy.steps.registry import harbor, objects, registry
from tests.unit.fake_host import DIGEST, changes, locked, names, prepared
from tests.unit.operations.conftest import read
from tests.unit.steps.registries import NODES, STORE, cluster, registry_of

BARE = {
    "admin.conf": "=== slipway no cluster",
    "stat --printf='file": "end-of-artifacts",
    "ca-certificates": "end",
}
SIGNED = {"certificates": {"provider": "cert-manager", "system_trust": True}}
CURRENT = [
    f"Have its {name} read its present Secrets" for name in ("nginx", "core", "jobservice", "registry")
]
MODEL = {
    "name": "tiny",
    "accelerator": "cpu",
    "weights": "1Gi",
    "cpu": "1",
    "memory": "4Gi",
    "context": 2048,
    "source": {"modelkit": "registry.home.arpa/models/tiny:1"},
}


@pytest.fixture
def operations(tmp_path: Path) -> Any:
    """Return a function that gives the names of a step's operations on the first control plane."""

    def run(step: Any, declared: Cluster) -> list[str]:
        lock = locked(declared, tmp_path / "homelab.lock.yaml")
        with prepared(step, declared, declared.nodes[0], lock, BARE) as (state, host):
            return [*names(state, host).values()]

    return run


def test_the_plain_registry_is_these_operations(operations: Any) -> None:
    assert operations(registry, cluster("distribution")) == [
        "Make the namespace",
        "Keep the registry's password",
        "Let the registry know it",
        "Give the registry its Secrets",
        "Have cert-manager leave registry.home.arpa alone",
        "Certify registry.home.arpa",
        "See that its volume can be as declared",
        "Install the registry",
        "Have its pod read its present certificate and password",
        "Wait for the registry",
        "Keep its volume whatever happens to the claim",
    ]


def test_with_models_their_namespace_gets_the_login_and_the_ca(operations: Any) -> None:
    parts = {"object_store": STORE, "models": [MODEL]}

    assert operations(registry, cluster("distribution", storage="s3", parts=parts)) == [
        "Make the namespace",
        "Keep the registry's password",
        "Let the registry know it",
        "Give the registry its Secrets",
        "Have cert-manager leave registry.home.arpa alone",
        "Certify registry.home.arpa",
        "Install the registry",
        "Have its pod read its present certificate and password",
        "Wait for the registry",
        "Make the models' namespace",
        "Let the models' pods pull",
        "Let the models' pods trust the registry",
    ]


def test_harbor_is_these_operations(operations: Any) -> None:
    assert operations(registry, cluster("harbor")) == [
        "Make the namespace",
        "Keep the robot's password and what Harbor would make anew",
        "Give Harbor its Secrets",
        "Let Harbor's registry know its core",
        "Keep the key of its tokens",
        "Let the chart take it up",
        "Have cert-manager leave registry.home.arpa alone",
        "Certify registry.home.arpa",
        "See that its volumes can be as declared",
        "Say who reaches Harbor",
        "Fetch the chart of harbor",
        "Install Harbor",
        "Give Harbor an address",
        *CURRENT,
        "Wait for Harbor",
        "Keep its volumes whatever happens to the claims",
        "Make its projects and its robot account",
    ]


def test_harbor_with_databases_of_its_own_waits_for_them(operations: Any) -> None:
    declared = cluster(
        "harbor",
        storage="s3",
        database={"provider": "cloudnative-pg"},
        cache={"provider": "valkey"},
        parts={**SIGNED, "object_store": STORE},
    )
    names = operations(registry, declared)

    assert names[5:-7] == [
        "Certify registry.home.arpa",
        "Have registry.home.arpa certified by the present CA",
        "Wait for the certificate of registry.home.arpa",
        "Make the operator's namespace",
        "Fetch the chart of cloudnative-pg",
        "Install CloudNativePG",
        "Wait for its operator",
        "Make Harbor's database",
        "Wait for Harbor's database",
        "Fetch the chart of valkey",
        "Install Valkey",
        "Wait for Valkey",
        "Say who reaches Harbor",
        "Fetch the chart of harbor",
        "Install Harbor",
    ]
    assert operations(cert_manager.cert_manager, declared)[-2:] == ["Make a CA", "Wait for the CA"]


def test_a_ca_of_ones_own_is_given_to_cert_manager_and_signs_what_the_registry_serves_with(
    operations: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    monkeypatch.setenv("CA_KEY", "very secret")
    own = {"certificate": "ca.pem", "key": {"env": "CA_KEY"}}
    declared = cluster("distribution", parts={"certificates": {"provider": "cert-manager", "authority": own}})

    assert operations(cert_manager.cert_manager, declared)[-4:] == [
        "Give it an issuer",
        "Give it the CA",
        "Have it sign with the CA",
        "Wait for the CA",
    ]
    name = cert_manager.signer(declared, tmp_path)
    assert re.fullmatch(r"slipway-ca-[0-9a-f]{8}", name)
    assert cert_manager.signing(name)["spec"] == {"ca": {"secretName": name}}
    assert certificates.certificate(objects.TLS, ["a"], [], name)["spec"]["issuerRef"]["name"] == name
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE----- another")
    assert cert_manager.signer(declared, tmp_path) != name
    assert cert_manager.signer(cluster("distribution", parts=SIGNED), tmp_path) == "slipway-ca"


def test_the_key_of_a_ca_that_is_given_is_in_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    monkeypatch.setenv("CA_KEY", "very secret")
    given = {"provider": "cert-manager", "authority": {"certificate": "ca.pem", "key": {"env": "CA_KEY"}}}
    declared = cluster("distribution", parts={"certificates": given})
    lock = locked(declared, tmp_path / "homelab.lock.yaml")

    with prepared(cert_manager.cert_manager, declared, declared.nodes[0], lock, BARE) as (state, host):
        [made] = [id_ for id_, title in names(state, host).items() if title == "Give it the CA"]
        [command] = state.ops[host][made].command_generator()

    assert "kubectl create -f -" in command.get_raw_value()
    assert "very secret" not in command.get_raw_value()


@pytest.mark.parametrize(("parts", "begins"), [({}, False), (SIGNED, True)])
def test_every_part_of_harbor_begins_anew_where_another_ca_signs(
    tmp_path: Path, parts: dict[str, Any], begins: bool
) -> None:
    declared = cluster("harbor", parts=parts)
    lock = locked(declared, tmp_path / "homelab.lock.yaml")
    pod = {"name": "core-1", "namespace": "registry", "creationTimestamp": "2026-11-30T08:00:00Z"}
    ca = {
        "name": "slipway-ca",
        "namespace": "cert-manager",
        "managedFields": [{"time": "2026-11-30T09:00:00Z"}],
    }
    answers = {"slipway-ca": read(shown(pod), shown(ca)), "as=PartialObjectMetadata": read(shown(pod))}
    step = deploy("Step")(lambda: harbor._current(declared, registry_of(declared)))

    with prepared(step, declared, declared.nodes[0], lock, answers) as (state, host):
        assert changes(state, host) == dict.fromkeys(CURRENT, begins)


def shown(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return an object by its metadata alone."""
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata}


def test_what_cert_managers_webhook_has_to_let_in_waits_for_it(tmp_path: Path) -> None:
    declared = cluster("distribution", parts=SIGNED)
    lock, waiting = locked(declared, tmp_path / "homelab.lock.yaml"), set()
    for step in (cert_manager.cert_manager, registry):
        with prepared(step, declared, declared.nodes[0], lock, BARE) as (state, host):
            for id_, title in names(state, host).items():
                commands = state.ops[host][id_].command_generator()
                if any("patience=120" in each.get_raw_value() for each in commands):
                    waiting.add(title)

    assert waiting == {"Give it an issuer", "Make a CA", "Certify registry.home.arpa"}


def test_cert_manager_is_installed_with_the_images_of_the_lock_file(tmp_path: Path) -> None:
    declared = cluster("distribution", parts=SIGNED)
    lock = locked(declared, tmp_path / "homelab.lock.yaml")

    with prepared(cert_manager.cert_manager, declared, declared.nodes[0], lock, BARE) as (state, host):
        [made] = [id_ for id_, title in names(state, host).items() if title == "Install cert-manager"]
        [command] = state.ops[host][made].command_generator()

    values = yaml.safe_load(command.connector_arguments["_stdin"])
    tag = f"v1.21.1@{DIGEST}"
    assert values["image"] == {"repository": "quay.io/jetstack/cert-manager-controller", "tag": tag}
    assert {name: values[name]["image"]["tag"] for name in ("webhook", "cainjector", "acmesolver")} == {
        "webhook": tag,
        "cainjector": tag,
        "acmesolver": tag,
    }


def test_the_clusters_ca_is_trusted_without_being_brought(operations: Any) -> None:
    declared = cluster("harbor", parts={"certificates": {"system_trust": True}})

    assert operations(trust.trust, declared) == ["Have every program trust the CA"]


def test_cert_manager_for_webhooks_alone_makes_no_ca(operations: Any) -> None:
    gpus = {"vendor": "amd", "model": "MI300X", "count": 1}
    declared = Cluster.model_validate({"name": "homelab", "nodes": [NODES[0], {**NODES[1], "gpus": gpus}]})

    assert operations(cert_manager.cert_manager, declared)[-1] == "Give it an issuer"


def test_containerd_goes_to_the_service_with_the_ca_that_is_on_the_host() -> None:
    [file] = containerd.registry(cluster("distribution"))
    ca = "/etc/kubernetes/pki/ca.crt"

    assert file.path == "/etc/containerd/certs.d/registry.home.arpa/hosts.toml"
    assert tomllib.loads(file.content.decode()) == {
        "server": "https://registry.home.arpa",
        "ca": ca,
        "host": {"https://10.43.0.20": {"capabilities": ["pull", "resolve", "push"], "ca": ca}},
    }


def test_a_ca_of_cert_managers_is_where_it_is_brought_to() -> None:
    [file] = containerd.registry(cluster("harbor", parts=SIGNED))

    assert tomllib.loads(file.content.decode())["ca"] == "/etc/slipway/services-ca.crt"


def test_k3s_goes_there_beside_the_mirror() -> None:
    parts = {
        "kubernetes": {"distribution": "k3s", "version": "v1.36.3+k3s1"},
        "artifacts": {"registry_mirror": "http://10.0.0.9:5000"},
    }
    ca = {"tls": {"ca_file": "/var/lib/rancher/k3s/agent/server-ca.crt"}}
    document = k3s.registries(cluster("distribution", parts=parts))

    assert document["mirrors"]["docker.io"] == {"endpoint": ["http://10.0.0.9:5000"]}
    assert document["mirrors"]["registry.home.arpa"] == {"endpoint": ["https://10.43.0.20"]}
    assert document["configs"] == {"10.43.0.20": ca, "registry.home.arpa": ca}


def test_every_host_knows_the_registrys_name() -> None:
    assert baseline.names(cluster("distribution")) == [
        ("192.168.1.11", ("cp1",)),
        ("192.168.1.12", ("w1",)),
        ("10.43.0.20", ("registry.home.arpa",)),
    ]
    assert containerd.registry(Cluster.model_validate({"name": "homelab", "nodes": NODES})) == []
