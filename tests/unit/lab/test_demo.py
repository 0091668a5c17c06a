from __future__ import annotations

import io
import os
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from deploy.lab import demo
from deploy.lab.demo import Shown
from deploy.lab.lab import Lab
from deploy.lab.progress import Progress

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


def test_the_demo_runs_the_image_that_belongs_to_the_clusters_version() -> None:
    namespace, deployment, service = yaml.safe_load_all(demo.objects("v1.35.4"))

    assert namespace["metadata"]["name"] == deployment["metadata"]["namespace"] == "slipway-demo"
    assert deployment["spec"]["replicas"] == 2
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.k8s.io/e2e-test-images/agnhost:2.59"
    assert service["spec"]["type"] == "LoadBalancer"


def test_the_demo_ends_with_what_runs_the_address_and_what_to_try_next() -> None:
    lab = Lab("blue", IPv4Network("10.89.9.0/24"), progress=Progress(Console(file=io.StringIO())))
    found = Shown(
        "n1", "v1.36.3", "10.89.9.200", {"hello-a": "cp1", "hello-b": "w1"}, {"hello-a": 12, "hello-b": 8}
    )

    assert demo.text(lab, found).splitlines() == [
        "Kubernetes v1.36.3 runs on 2 hosts, and http://10.89.9.200/hostname answers:",
        "    hello-a on cp1: 12 of 20 answers",
        "    hello-b on w1: 8 of 20 answers",
        "",
        "To try next:",
        "    curl http://10.89.9.200/hostname  # names the pod that answered",
        "    slipway lab ssh --name blue n1  # a shell on the control plane",
        f"    slipway lab exec --name blue n1 -- {KUBECTL} get pods -A  # all that runs",
        "    slipway plan inventories/blue.yaml  # what differs from the inventory",
        "    slipway verify inventories/blue.yaml  # proves again that it works",
        "    slipway kubeconfig inventories/blue.yaml  # for a kubectl of your own",
        "    slipway lab down --name blue  # takes it all away",
    ]


def test_the_demo_calls_k3s_what_it_calls_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    podman = tmp_path / "podman"
    podman.write_text(
        "#!/bin/sh\necho 'k3s version v1.36.3+k3s1 (k3s stand-in)'; echo 'go version go1.26.8'\n"
    )
    podman.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    lab = Lab("blue", IPv4Network("10.89.9.0/24"), progress=Progress(Console(file=io.StringIO())))

    assert demo.called(lab, "n1", "v1.36.3+k3s1") == "v1.36.3+k3s1 (k3s stand-in)"
    assert demo.called(lab, "n1", "v1.36.3") == "v1.36.3"


def test_a_pod_that_no_request_reaches_yet_is_waited_for_and_one_that_none_reaches_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = iter(["a"] * demo.ASKED + ["a", "b"] * (demo.ASKED // 2))
    monkeypatch.setattr(demo, "_get", lambda _: next(told, "a"))
    monkeypatch.setattr(demo, "SETTLES", 1.0)
    pods = {"a": "w1", "b": "w1"}

    assert demo.answers("http://10.0.0.1/hostname", pods) == {"a": 10, "b": 10}
    assert demo.answers("http://10.0.0.1/hostname", pods) == {"a": 20}
