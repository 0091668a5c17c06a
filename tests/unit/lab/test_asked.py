from __future__ import annotations

from pathlib import Path

from deploy.lab import asked, supply
from deploy.lab.places import INVENTORIES


def keys(*names: str) -> list[str]:
    found = asked.images([INVENTORIES / f"{name}.yaml" for name in names])
    return [entry.key for entry in found if entry.key not in supply.PLAIN]


def test_a_plain_cluster_asks_for_nothing_more() -> None:
    assert keys("lab", "lab-k3s") == []


def test_a_cluster_that_serves_a_model_asks_for_what_keeps_fetches_and_serves_it() -> None:
    serving = ["local-path-provisioner", "busybox", "minio", "mc", "rclone", "registry", "kitops-init"]

    assert keys("lab-llm") == [*serving, "vllm-cpu"]
    assert keys("lab-homelab") == [*serving, "model-tiny"]
    assert keys("lab", "lab-llm", "lab-homelab") == [*serving, "vllm-cpu", "model-tiny"]


def test_a_broken_inventory_asks_for_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: broken\nmodels: 3\n")

    assert asked.images([broken]) == ()


def test_inventories_name_versions_of_kubernetes_and_of_k3s(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("name: broken\n")
    named = [INVENTORIES / f"{name}.yaml" for name in ("lab", "lab-k3s", "lab-homelab")]

    assert asked.versions([*named, tmp_path / "broken.yaml"]) == ("v1.36.3", "v1.36.3+k3s1")
