"""The catalogue: what it knows, and how it says where things are."""

from __future__ import annotations

import pytest

from deploy.catalog import load, pull_url
from deploy.catalog.entries import FileEntry, UnsupportedVersionError


def test_a_kubernetes_file_is_named_after_its_version() -> None:
    entry = load().kubernetes_files("v1.35.4")[2]

    assert entry == FileEntry(
        key="kubelet@v1.35.4",
        version="v1.35.4",
        arch="amd64",
        url="https://dl.k8s.io/release/v1.35.4/bin/linux/amd64/kubelet",
        checksum="https://dl.k8s.io/release/v1.35.4/bin/linux/amd64/kubelet.sha256",
    )


def test_a_chart_is_the_same_for_every_architecture() -> None:
    assert load().chart("metallb-chart") == FileEntry(
        key="metallb-chart",
        version="0.16.2",
        arch="any",
        url="https://github.com/metallb/metallb/releases/download/metallb-chart-0.16.2/metallb-0.16.2.tgz",
        checksum="https://metallb.github.io/metallb/index.yaml",
        chart="metallb",
    )


def test_every_file_is_known_for_both_architectures() -> None:
    catalog = load()

    assert {
        name: [(entry.arch, entry.url.rsplit("/", 1)[1]) for entry in catalog.file(name)]
        for name in catalog.files
    } == {
        "containerd": [
            ("amd64", "containerd-2.3.7-linux-amd64.tar.gz"),
            ("arm64", "containerd-2.3.7-linux-arm64.tar.gz"),
        ],
        "runc": [("amd64", "runc.amd64"), ("arm64", "runc.arm64")],
        "cni-plugins": [
            ("amd64", "cni-plugins-linux-amd64-v1.9.1.tgz"),
            ("arm64", "cni-plugins-linux-arm64-v1.9.1.tgz"),
        ],
        "helm": [("amd64", "helm-v4.3.1-linux-amd64.tar.gz"), ("arm64", "helm-v4.3.1-linux-arm64.tar.gz")],
    }


def test_a_release_names_the_images_that_kubeadm_will_ask_for() -> None:
    images = {entry.key: entry.ref for entry in load().kubernetes_images("v1.36.3")}

    assert images == {
        "kube-apiserver@v1.36.3": "registry.k8s.io/kube-apiserver:v1.36.3",
        "kube-controller-manager@v1.36.3": "registry.k8s.io/kube-controller-manager:v1.36.3",
        "kube-scheduler@v1.36.3": "registry.k8s.io/kube-scheduler:v1.36.3",
        "kube-proxy@v1.36.3": "registry.k8s.io/kube-proxy:v1.36.3",
        "etcd@v1.36.3": "registry.k8s.io/etcd:3.6.8-0",
        "coredns@v1.36.3": "registry.k8s.io/coredns/coredns:v1.14.2",
        "pause@v1.36.3": "registry.k8s.io/pause:3.10.2",
        "agnhost@v1.36.3": "registry.k8s.io/e2e-test-images/agnhost:2.63.0",
    }


@pytest.mark.parametrize("version", ["v1.36.1", "v1.36.4"])
def test_a_patch_release_that_is_not_named_has_its_minors_images(version: str) -> None:
    images = {entry.key: entry.ref for entry in load().kubernetes_images(version)}

    assert images[f"etcd@{version}"] == "registry.k8s.io/etcd:3.6.8-0"
    assert images[f"kube-proxy@{version}"] == f"registry.k8s.io/kube-proxy:{version}"


def test_a_minor_that_nobody_described_is_refused_with_what_is_known() -> None:
    assert not load().supports("v1.31.0")
    with pytest.raises(UnsupportedVersionError) as refused:
        load().kubernetes_images("v1.31.0")

    assert str(refused.value) == (
        "kubernetes.version is v1.31.0; the catalogue can install the minors of "
        "v1.34.4, v1.35.4, v1.36.3, v1.37.2 and their later patch releases"
    )


def test_a_mirror_keeps_the_upstream_host_in_the_path() -> None:
    url = "https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubelet"

    assert pull_url(url, None) == url
    assert (
        pull_url(url, "http://10.89.7.2:8080")
        == "http://10.89.7.2:8080/dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubelet"
    )
