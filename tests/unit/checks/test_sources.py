"""The servers that hosts must reach before anything is installed."""

from __future__ import annotations

from checks.preflight import urls
from tests.unit.checks.machines import cluster
from tests.unit.checks.well import MODEL

OWN = f"registry.home.arpa/vllm:1@sha256:{'a' * 64}"
OTHERS = "registry.example.org/vllm:1"


def test_the_clusters_own_registry_is_not_asked_before_it_is_there() -> None:
    declared = cluster(
        registry={"provider": "distribution", "hostname": "registry.home.arpa"},
        models=[{**MODEL, "image": OWN}, {**MODEL, "name": "other", "image": OTHERS}],
    )

    assert [url for url in urls(declared) if "//registry." in url] == [
        "https://registry.k8s.io/v2/",
        "https://registry.example.org/v2/",
    ]
