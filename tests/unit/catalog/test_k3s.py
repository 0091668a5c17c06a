from __future__ import annotations

from typing import Any

import pytest

from deploy.catalog import k3s, k3s_flags
from deploy.model.mistake import written

VERSION = "v1.36.3+k3s1"


def said(role: str, options: dict[str, Any], version: str = VERSION) -> list[str]:
    return [
        f"{written(mistake.place)}: {mistake.text}" for mistake in k3s_flags.check(version, role, options)
    ]


def test_a_version_is_a_binary_and_an_archive_of_images_for_each_architecture() -> None:
    base = f"https://github.com/k3s-io/k3s/releases/download/{VERSION}"

    assert [(entry.key, entry.arch, entry.url, entry.checksum) for entry in k3s.files(VERSION)] == [
        (f"k3s@{VERSION}", "amd64", f"{base}/k3s", f"{base}/sha256sum-amd64.txt"),
        (f"k3s@{VERSION}", "arm64", f"{base}/k3s-arm64", f"{base}/sha256sum-arm64.txt"),
        *(
            (
                f"k3s-airgap-images@{VERSION}",
                arch,
                f"{base}/k3s-airgap-images-{arch}.tar.gz",
                f"{base}/sha256sum-{arch}.txt",
            )
            for arch in ("amd64", "arm64")
        ),
    ]


@pytest.mark.parametrize(
    ("role", "options", "text"),
    [
        (
            "server",
            {"disable-netwrok-policy": True},
            "k3s 1.36 has no such option; did you mean disable-network-policy?",
        ),
        ("server", {"zzz": True}, "k3s 1.36 has no such option"),
        ("server", {"no-deploy": "traefik"}, "k3s has no such option any more; use disable"),
        (
            "server",
            {"write-kubeconfig-name": "x"},
            "the option comes with k3s 1.37, this is 1.36; leave it out",
        ),
        (
            "server",
            {"disable-apiserver-lb": True},
            "only an agent takes this option; move it to kubernetes.k3s.agent",
        ),
        (
            "agent",
            {"embedded-registry": True},
            "only a server takes this option; move it to kubernetes.k3s.server",
        ),
        (
            "server",
            {"cluster-cidr": "10.0.0.0/8"},
            "slipway sets this itself; set kubernetes.pod_cidr instead",
        ),
        ("agent", {"token-file": "/t"}, "slipway sets this itself; leave it out"),
        (
            "agent",
            {"token": "x"},
            "a secret does not belong into an inventory; name a file or Secret with token-file",
        ),
        (
            "server",
            {"datastore-endpoint": "mysql://"},
            "a secret does not belong into an inventory; k3s has no option that names a file for it",
        ),
        ("server", {"disable-scheduler": "yes"}, 'found "yes", wanted true or false'),
        ("server", {"etcd-snapshot-retention": "5"}, 'found "5", wanted a whole number'),
        ("server", {"tls-san": []}, "found an empty list, wanted a text or a list of texts"),
        ("server", {"node-external-ip": [1]}, "found a list, wanted a text or a list of texts"),
        ("server", {"cluster-domain": 5}, "found 5 (a number), wanted a text"),
        (
            "server",
            {"egress-selector-mode": "off"},
            'found "off", wanted one of: agent, cluster, disabled, pod',
        ),
        (
            "server",
            {"kube-apiserver-arg": ["v=2", "feature-gates=A=true"]},
            "slipway sets feature-gates itself; set kubernetes.feature_gates instead",
        ),
        (
            "agent",
            {"kube-proxy-arg": "--proxy-mode=ipvs"},
            "slipway sets proxy-mode itself; set kubernetes.proxy_mode instead",
        ),
    ],
)
def test_what_k3s_would_skip_or_die_of_is_refused_before(
    role: str, options: dict[str, Any], text: str
) -> None:
    (key,) = options

    assert said(role, options) == [f"kubernetes.k3s.{role}.{key}: {text}"]


def test_good_options_pass_and_all_mistakes_are_told_at_once() -> None:
    good = {
        "etcd-snapshot-retention": 5,
        "nonroot-devices": True,
        "kube-apiserver-arg": "v=2",
        "tls-san": ["a"],
    }

    assert said("server", good) == []
    assert len(said("server", {**good, "one": 1, "two": 2})) == 2


def test_options_of_an_unknown_minor_are_not_taken_for_good() -> None:
    assert said("agent", {"debug": True}, "v1.38.0+k3s1") == [
        "kubernetes.k3s.agent: the options of k3s 1.38 are not known, those of 1.34, 1.35, 1.36, 1.37 are"
    ]
    assert said("agent", {}, "v1.38.0+k3s1") == []


def test_every_special_option_is_an_option() -> None:
    flags = k3s_flags.load()
    known = flags.server | flags.node | flags.agent

    assert [
        name
        for group in (flags.since, flags.values, flags.critical, flags.secret, k3s_flags.OWN)
        for name in group
        if name not in known
    ] == []
    assert not flags.removed.keys() & known.keys()
    assert {*flags.removed.values(), *filter(None, flags.secret.values())} <= known.keys()
    assert set(flags.environment.values()) <= known.keys()
    assert set(known.values()) == set(k3s_flags.WANTED)
