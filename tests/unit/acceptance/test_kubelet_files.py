"""K8S-19: what a kubelet reads when it starts, against what was written for it."""

from __future__ import annotations

import json

import pytest
from clusters import CLUSTER, LOCK, Ran

from checks.acceptance.runner import host_checks, prove_hosts
from checks.acceptance.test_kubelet_files import CONFIG_MAP, READ
from checks.finding import Status
from deploy.observe.kube import MARK

ENV = "kubeadm-flags.env"
MORE = ("a 1", "b 2", "c 3")


def files(
    more: str = "", env: str = 'KUBELET_KUBEADM_ARGS="--node-ip=ADDRESS"', others: str = "20-slipway.conf\n"
) -> str:
    """Return a kubelet's files as a host prints them, and the cluster's configuration as the API does."""
    base = "apiVersion: kubelet.config.k8s.io/v1beta1\nauthentication:\n  anonymous:\n    enabled: false\n"
    config = f"{base}resolvConf: /run/systemd/resolve/resolv.conf\n{more}"
    said = json.dumps({"data": {"kubelet": f"{base}containerRuntimeEndpoint: ''\n"}})
    asked = f"https://10.0.0.11:6443{CONFIG_MAP}"
    return (
        f"@@ config\n{config}\n@@ flags\n{env}\n\n@@ others\n{others}@@ wanted\n{said}\n{MARK}200 {asked}\n"
    )


def judged(ran: Ran) -> tuple[Status, str]:
    def run(host: str, command: str) -> Ran:
        assert command == READ
        return ran

    mine = [each for each in host_checks() if each.entry.id == "K8S-19"]
    findings = prove_hosts(CLUSTER, run, {"cp1": "not asked"}, {"lock": LOCK}, mine)
    [found] = [each for each in findings if (each.check, each.host) == ("K8S-19", "w1")]
    return found.status, found.found


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (files("maxPods: 7\n"), "config.yaml has maxPods 7, the cluster's is not set"),
        (
            files().replace("enabled: false", "enabled: true", 1),
            "config.yaml has authentication.anonymous.enabled true, the cluster's is false",
        ),
        (files("- x: ["), "config.yaml is no configuration"),
        (
            files(env='KUBELET_KUBEADM_ARGS="--node-ip=10.0.0.12 --max-pods=7 --hostname-override=x"'),
            f"{ENV} gives --max-pods=7; {ENV} gives --hostname-override=x, wanted w1",
        ),
        (
            files(env='KUBELET_CONFIG_ARGS="--config=/x"'),
            f"{ENV} sets KUBELET_CONFIG_ARGS; {ENV} gives no --node-ip, wanted 10.0.0.12",
        ),
        (
            files(env="KUBELET_KUBEADM_ARGS='--node-ip=ADDRESS"),
            f"{ENV} cannot be read: No closing quotation",
        ),
        (files(others="99-mine.conf\n20-slipway.conf\n"), "99-mine.conf lies among its drop-ins"),
        (
            files("a: 1\nb: 2\nc: 3\n", others=""),
            "; ".join(f"config.yaml has {each}, the cluster's is not set" for each in MORE) + "; and 1 more",
        ),
    ],
)
def test_a_kubelets_file_that_somebody_edited_is_found(said: str, found: str) -> None:
    assert judged(Ran(out=said.replace("ADDRESS", "10.0.0.12"))) == (Status.FAIL, found)


@pytest.mark.parametrize(
    ("ran", "found"),
    [
        (
            Ran(rc=1, err="cat: /var/lib/kubelet/config.yaml: No such file or directory\n"),
            "its files could not be read: cat: /var/lib/kubelet/config.yaml: No such file or directory",
        ),
        (
            Ran(out=files().partition("@@ wanted\n")[0] + f"@@ wanted\ncurl: (7) refused\n{MARK}000 \n"),
            "the ConfigMap kubelet-config could not be read: curl: (7) refused",
        ),
        (
            Ran(out=files().partition("@@ wanted\n")[0] + "@@ wanted\n"),
            "the ConfigMap kubelet-config could not be read: no answer",
        ),
    ],
)
def test_a_kubelets_files_that_cannot_be_compared_are_not_taken_for_right(ran: Ran, found: str) -> None:
    assert judged(ran) == (Status.UNAVAILABLE, found)
