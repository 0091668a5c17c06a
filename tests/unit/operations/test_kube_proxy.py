"""kube-proxy's configuration after the first day."""

from __future__ import annotations

import json
from typing import Any

import yaml

from deploy.model.row import Disturbs
from deploy.operations import kube_proxy
from tests.unit.operations.conftest import Plan, read

LIVE = {"kind": "KubeProxyConfiguration", "mode": "iptables", "conntrack": {"min": None, "maxPerCore": 0}}


def said(config: dict[str, Any], written: str | None = None, running: str | None = None) -> dict[str, str]:
    def annotated(digest: str | None) -> dict[str, Any]:
        return {"annotations": {kube_proxy.DIGEST: digest}} if digest else {}

    name = {"name": "kube-proxy", "namespace": "kube-system"}
    objects = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {**name, **annotated(written)},
            "data": {"config.conf": yaml.safe_dump(config)},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": name,
            "spec": {"template": {"metadata": annotated(running)}},
        },
    ]
    return {"/configmaps/kube-proxy": read(*objects)}


def test_what_kubeadm_wrote_is_left_alone_when_it_is_as_declared(plan: Plan) -> None:
    planned = plan(
        kube_proxy.configured, {"mode": "iptables", "conntrack": {"maxPerCore": 0}}, answers=said(LIVE)
    )

    assert (planned.commands, planned.reasons) == ([], [])


def test_another_mode_is_written_and_the_pods_made_anew(plan: Plan) -> None:
    planned = plan(kube_proxy.configured, {"mode": "nftables"}, answers=said(LIVE))

    config, pods = (json.loads(text) for text in planned.stdin)
    assert yaml.safe_load(config["data"]["config.conf"]) == {**LIVE, "mode": "nftables"}
    digest = config["metadata"]["annotations"][kube_proxy.DIGEST]
    assert pods == {"spec": {"template": {"metadata": {"annotations": {kube_proxy.DIGEST: digest}}}}}
    assert planned.reasons == [
        "kube-proxy's configuration differs at mode",
        "kube-proxy's pods do not run with the configuration that was written",
    ]
    assert planned.notes.disturbs is Disturbs.SERVICE


def test_a_restart_that_an_interrupted_run_lost_is_made_up_for(plan: Plan) -> None:
    planned = plan(kube_proxy.configured, {"mode": "iptables"}, answers=said(LIVE, written="abc"))

    assert planned.reasons == ["kube-proxy's pods do not run with the configuration that was written"]
    assert plan(kube_proxy.configured, {"mode": "iptables"}, answers=said(LIVE, "abc", "abc")).commands == []
