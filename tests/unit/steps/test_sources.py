"""How a model's files are fetched from each kind of source: by whose account, whom it trusts, which way."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.serving import names
from deploy.steps.serving import populate, sources
from tests.unit.serving.clusters import ARC, HUB, cluster

PRIVATE = {
    "modelkit": "docker.io/me/qwen:1",
    "credentials": {"username": "me", "password": {"env": "HUB_PASSWORD"}},
    "ca": "ca.pem",
}


def test_only_a_mirror_that_was_declared_without_tls_is_asked_without() -> None:
    def flags(host: str, mirror: str) -> list[str]:
        wanted = {**ARC, "source": {"modelkit": f"{host}/models/qwen:1"}}
        one = cluster(wanted, artifacts={"registry_mirror": mirror})
        job = populate.job(one, one.models[0], "image")
        [container] = job["spec"]["template"]["spec"]["containers"]
        words = container["command"]
        return list(words[words.index("kit") + 1 :])

    assert flags("10.0.0.3:5000", "http://10.0.0.3:5000") == ["--plain-http"]
    assert flags("10.0.0.4:5000", "http://10.0.0.3:5000") == []
    assert flags("10.0.0.3:5000", "https://10.0.0.3:5000") == []


def test_a_registry_of_others_is_asked_with_the_account_and_the_ca_that_were_declared() -> None:
    one = cluster({**ARC, "source": PRIVATE})
    model = one.models[0]
    pod = populate.job(one, model, "image")["spec"]["template"]["spec"]
    [container] = pod["containers"]

    assert {each["name"]: each.get("secret") for each in pod["volumes"][2:]} == {
        "ca": {"secretName": "registry-ca-qwen"},
        "login": {
            "secretName": "registry-login-qwen",
            "items": [{"key": ".dockerconfigjson", "path": "config.json"}],
        },
    }
    assert {"name": "DOCKER_CONFIG", "value": "/run/login"} in container["env"]
    assert {"name": "SSL_CERT_DIR", "value": "/run/ca:/etc/ssl/certs"} in container["env"]
    assert [each["mountPath"] for each in container["volumeMounts"][2:]] == ["/run/ca", "/run/login"]
    assert "hostAliases" not in pod
    assert sources.login_host(model) == "https://index.docker.io/v1/"


@pytest.mark.parametrize(
    ("source", "passed"),
    [
        (HUB["source"], True),
        ({"modelkit": "r.org/qwen:1"}, True),
        ({"modelkit": "registry.home.arpa/qwen:1"}, False),
        ({"s3": "s3://models/qwen"}, False),
    ],
)
def test_proxies_and_the_hubs_endpoint_hold_for_what_is_fetched_from_outside(
    source: dict[str, Any], passed: bool
) -> None:
    way = {"HF_ENDPOINT": "https://hub.home.arpa", "https_proxy": "http://10.0.0.9:3128"}
    one = cluster({**ARC, "source": source, "environment": {**way, "OMP_NUM_THREADS": "1"}})

    environment = sources.of(one, one.models[0]).environment
    found = {
        each["name"]: each.get("value") for each in environment if each["name"] in one.models[0].environment
    }

    assert found == (way if passed else {})


def test_another_account_is_no_other_content() -> None:
    def folder(**source: Any) -> str:
        return names.folder(cluster({**ARC, "source": {"modelkit": "r.org/qwen:1", **source}}).models[0])

    assert folder() == folder(credentials=PRIVATE["credentials"], ca="ca.pem")


def test_who_is_known_to_nobody_brings_no_login() -> None:
    one = cluster({**ARC, "source": {"modelkit": "r.org/qwen:1"}})

    assert sources.of(one, one.models[0]).volumes == []


@pytest.mark.parametrize(
    ("ref", "wanted"),
    [
        ("registry.home.arpa/models/qwen:1", f"registry.home.arpa/models/qwen@sha256:{'a' * 64}"),
        ("registry.home.arpa:5000/models/qwen", f"registry.home.arpa:5000/models/qwen@sha256:{'a' * 64}"),
        (f"r.org/qwen:1@sha256:{'b' * 64}", f"r.org/qwen@sha256:{'a' * 64}"),
    ],
)
def test_a_modelkit_with_a_checksum_is_fetched_by_it(ref: str, wanted: str) -> None:
    one = cluster({**ARC, "source": {"modelkit": ref}})

    assert sources.reference(one.models[0]) == wanted


def test_a_modelkit_is_pushed_under_the_name_that_it_has_in_the_inventory() -> None:
    def pushed(ref: str) -> str:
        one = cluster({**ARC, "source": {"modelkit": ref}})
        return sources.pushed(one, one.models[0])

    assert pushed("registry.home.arpa/models/qwen:1") == (
        "kit login registry.home.arpa --username slipway, kit push registry.home.arpa/models/qwen:1,"
        " or oras cp FROM registry.home.arpa/models/qwen:1"
    )
    digest = f"@sha256:{'b' * 64}"
    assert pushed(f"r.org/qwen:1{digest}") == "kit push r.org/qwen:1, or oras cp FROM r.org/qwen:1"


def test_files_of_the_hub_that_are_named_are_another_content() -> None:
    def made(**source: Any) -> tuple[list[str], str]:
        one = cluster({**HUB, "source": {**HUB["source"], **source}})
        return list(sources.of(one, one.models[0]).command), names.folder(one.models[0])

    (all_of_it, there), (some, here) = made(), made(include=["*.json", "consolidated*"])

    assert all_of_it[3:] == ["meta-llama/Llama-3.1-8B", "b" * 40]
    assert some[3:] == [*all_of_it[3:], "*.json", "consolidated*"]
    assert here != there
