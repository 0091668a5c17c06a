"""What slipway may never say to a host: found in the text of every room that acts, and of what it ships."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ACTING = ("deploy/engine", "deploy/observe", "deploy/facts", "deploy/operations", "deploy/steps", "checks")
SHIPPED = ("files", "templates")
FORBIDDEN = {
    "a cluster is reset": r"kubeadm reset|k3s-uninstall|k3s-killall|etcdctl .*\bdel\b",
    "a disk is wiped": r"\b(mkfs|wipefs|sgdisk|fdisk|blkdiscard|dd of=)",
    "a firewall is opened": r"iptables (-F|--flush|-P)|nft flush|ufw (disable|reset)",
    "a firewall is stopped": r"systemctl (stop|disable|mask) (--now )?(firewalld|ufw|nftables)",
    "SSH is touched": r"/etc/ssh/sshd_config|systemctl (stop|disable|restart) ssh",
    "data goes with it": r"rm -[a-z]*r[^\n]*/(lib/(etcd|kubelet|containerd|rancher)|etc/kubernetes)",
    "volumes or claims are deleted": r"kubectl delete [^\n]*(pvc|persistentvolume)",
}
# sentences for a person, who may do it himself
SAID = ("If nothing there is needed any more, run `kubeadm reset` on it yourself; slipway never does",)


def texts() -> Iterator[tuple[str, str]]:
    """Yield every string of the acting rooms but docstrings, and every file that is shipped to hosts."""
    for room in ACTING:
        for path in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(path.read_text())
            docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                    yield str(path.relative_to(ROOT)), node.value
    for folder in SHIPPED:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "lab" not in path.relative_to(ROOT).parts:
                yield str(path.relative_to(ROOT)), path.read_text()


TEXTS = list(texts())


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_that_destroys_is_ever_said_to_a_host(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])

    said = [(path, text) for path, text in TEXTS if pattern.search(text) and not text.endswith(SAID)]

    assert said == []


def test_the_search_sees_commands_and_would_find_one() -> None:
    assert any("kubeadm init phase" in text for _, text in TEXTS)
    assert any(text.endswith(SAID) for _, text in TEXTS)
    assert re.search(FORBIDDEN["data goes with it"], "rm -rf -- /var/lib/etcd/member")
    assert re.search(FORBIDDEN["a firewall is opened"], "iptables -F INPUT")
