"""What is judged of a kernel's modules, by what a cluster needs of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.collect.sections import MODULES
from checks.finding import Finding, Severity, Status
from checks.preflight import kernel
from deploy.model.k3s import POLICY_MODULES
from deploy.observe.modules import Presence
from tests.unit.checks.judging import judged, of
from tests.unit.checks.machines import cluster, healthy

K3S: dict[str, object] = {"distribution": "k3s", "version": "v1.36.3+k3s1"}
UNENFORCED: list[dict[str, object]] = [
    K3S | {"k3s": {"server": {"disable-network-policy": True}}},
    K3S | {"k3s": {"flannel_backend": "none"}},
    {},
]
SCOPES = ["k3s without policies", "another CNI", "kubeadm"]


def on_modules(kubernetes: dict[str, object], **presence: Presence | None) -> Finding:
    """Return what is said of a host whose modules are all there but these; None: nothing was read of it."""
    host = healthy()
    assert host.modules is not None
    changed: dict[str, Presence | None] = {**host.modules.presence, **presence}
    read = {name: found for name, found in changed.items() if found is not None}
    modules = replace(host.modules, presence=read)
    inventory = cluster(kubernetes=kubernetes)
    return of(judged(replace(host, modules=modules), inventory=inventory), "HOST-06", "w1")


def test_a_kernel_without_sets_is_refused_where_k3s_would_enforce_policies_by_them() -> None:
    found = on_modules(K3S, xt_set=Presence.MISSING)

    assert (found.status, found.severity) == (Status.FAIL, Severity.ERROR)
    assert found.found == "kernel 6.12.9-amd64 has no xt_set"
    assert found.remedy.endswith(
        "without NetworkPolicies, by kubernetes.k3s.server.disable-network-policy: true"
    )


@pytest.mark.parametrize("kubernetes", UNENFORCED, ids=SCOPES)
def test_sets_are_wanted_nowhere_else(kubernetes: dict[str, object]) -> None:
    assert on_modules(kubernetes, xt_set=Presence.MISSING).status is Status.PASS


def test_what_kube_proxy_needs_too_is_not_to_be_had_by_doing_without_policies() -> None:
    iptables: dict[str, object] = {"proxy_mode": "iptables"}
    found = on_modules(K3S | iptables, xt_comment=Presence.MISSING, xt_set=Presence.MISSING)

    assert found.found == "kernel 6.12.9-amd64 has no xt_comment, xt_set"
    assert "disable-network-policy" not in found.remedy


def test_policies_need_iptables_beside_a_proxy_that_does_not() -> None:
    nftables: dict[str, object] = {"proxy_mode": "nftables"}

    assert on_modules(K3S | nftables, xt_comment=Presence.MISSING).status is Status.FAIL
    assert on_modules(nftables, xt_comment=Presence.MISSING).status is Status.PASS


def test_a_module_that_nothing_was_read_of_is_not_taken_for_one_that_is_there() -> None:
    """As in a collection that was saved before it was asked for, or of which a part is lost."""
    found = on_modules(K3S, ip_set=None, xt_set=None)

    assert (found.status, found.found) == (
        Status.UNAVAILABLE,
        "modules: nothing was read of ip_set, xt_set",
    )
    assert on_modules({}, ip_set=None, xt_set=None).status is Status.PASS


def test_of_a_kernel_without_modules_no_more_is_said_than_it_shows() -> None:
    host = healthy()
    assert host.modules is not None
    shown = dict.fromkeys(("overlay", "br_netfilter", "nf_conntrack"), Presence.WORKS)
    hidden = dict.fromkeys(("vxlan", "ip_set", "xt_set"), Presence.MISSING)
    modules = replace(host.modules, monolithic=True, presence=hidden | shown)

    found = of(judged(replace(host, modules=modules)), "HOST-06", "w1")

    assert (found.status, found.wanted) == (Status.PASS, "3 features of the kernel")
    assert found.found == (
        "kernel 6.12.9-amd64 without modules has br_netfilter, nf_conntrack, overlay built in"
    )


def test_every_module_that_is_judged_is_asked_for() -> None:
    assert set(MODULES) == kernel.ALWAYS | kernel.IPTABLES | POLICY_MODULES
