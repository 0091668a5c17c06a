"""`slipway artifacts`, with publishers that cannot be reached."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

INVENTORY = """\
name: small
nodes: [{name: cp1, address: 10.89.7.11, roles: [control-plane]}]
"""
NOWHERE = {"https_proxy": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1", "PATH": "/usr/bin:/bin"}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(INVENTORY)
    return path


def slipway(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the verb in a process of its own, cut off from the world."""
    program = "from deploy.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "artifacts", *words], capture_output=True, text=True, env=NOWHERE
    )


def test_what_could_not_be_learnt_is_named_and_nothing_is_written(inventory: Path) -> None:
    ran = slipway("lock", str(inventory))

    said = [line for line in ran.stderr.splitlines() if not line.startswith("asking about")]
    refused = "could not be reached: [Errno 111] Connection refused"
    assert ran.returncode == 3
    assert (
        said[0]
        == f"{inventory.parent}/small.lock.yaml was not written, since these digests could not be learnt:"
    )
    assert (
        f"  kubeadm@v1.36.3 amd64: https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubeadm.sha256 {refused}"
        in said
    )
    assert (
        f"  registry.k8s.io/pause:3.10.2: https://registry.k8s.io/v2/pause/manifests/3.10.2 {refused}" in said
    )
    assert said[-1] == "Run it again where the publishers can be reached, and carry the lock file over"
    assert [path.name for path in inventory.parent.iterdir()] == ["small.yaml"]


def test_a_mirror_cannot_be_filled_before_anything_is_locked(inventory: Path) -> None:
    ran = slipway("fetch", str(inventory), str(inventory.parent / "mirror"))

    assert ran.returncode == 2
    assert ran.stderr == (
        f"{inventory.parent}/small.lock.yaml does not exist, so nothing is known to be safe to install. "
        f"Run: slipway artifacts lock {inventory}\n"
    )


def test_an_address_without_a_port_is_refused(tmp_path: Path) -> None:
    ran = slipway("serve", str(tmp_path), "--listen", "8080")

    assert (ran.returncode, ran.stderr) == (
        2,
        "--listen is 8080; wanted ADDRESS:PORT, such as 0.0.0.0:8080\n",
    )


def test_what_the_clusters_own_registry_holds_is_asked_of_no_mirror(tmp_path: Path) -> None:
    path, mirror, digest = tmp_path / "small.yaml", tmp_path / "mirror", f"sha256:{'a' * 64}"
    registry = "registry: {provider: distribution, hostname: r.home.arpa, expose: cluster}\n"
    path.write_text(f"{INVENTORY}storage: {{}}\n{registry}")
    refs = {"pause": "registry.k8s.io/pause:3.10.2", "own": "r.home.arpa/vllm:1"}
    images = {name: {"ref": ref, "digest": digest} for name, ref in refs.items()}
    (tmp_path / "small.lock.yaml").write_text(yaml.safe_dump({"images": images}))
    mirror.mkdir()

    assert slipway("fetch", str(path), str(mirror)).returncode == 0
    assert (mirror / "images.txt").read_text() == f"registry.k8s.io/pause:3.10.2@{digest}\n"
