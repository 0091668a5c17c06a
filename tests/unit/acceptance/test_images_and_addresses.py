"""What runs against the lock, and the addresses that were given away."""

from __future__ import annotations

from typing import Any

import pytest
from clusters import CLUSTER, DIGEST, LOCK, seen

from checks.cluster.addresses import answer
from checks.cluster.images import locked
from checks.cluster.snapshot import OWNED, silent
from checks.finding import Finding, Status


def running(image: str, image_id: str, namespace: str = "kube-system") -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "name": "probe"},
        "spec": {"containers": [{"name": "probe", "image": image}]},
        "status": {"containerStatuses": [{"name": "probe", "imageID": image_id}]},
    }


def of_pods(*pods: dict[str, Any]) -> Finding:
    [finding] = locked(CLUSTER, LOCK, seen(lambda lists: lists.update(pods=[*pods])))
    return finding


def test_a_container_that_runs_what_is_locked_passes() -> None:
    finding = of_pods(running("registry.k8s.io/agnhost:2.63.0", f"registry.k8s.io/agnhost@{DIGEST}"))

    assert (finding.status, finding.found) == (Status.PASS, "1/1 containers run what is locked")


def test_a_tag_that_was_pushed_again_is_found() -> None:
    finding = of_pods(running("registry.k8s.io/agnhost:2.63.0", "registry.k8s.io/agnhost@sha256:new"))

    assert (finding.status, finding.found) == (
        Status.FAIL,
        "0/1 containers run what is locked, not registry.k8s.io/agnhost:2.63.0",
    )
    assert finding.detail == (
        f"kube-system/probe: registry.k8s.io/agnhost:2.63.0 runs sha256:new, locked is {DIGEST}"
    )


def test_an_image_that_nobody_locked_is_found() -> None:
    assert of_pods(running("docker.io/evil:1", "docker.io/evil@sha256:x")).status is Status.FAIL


def test_kubeadm_brings_no_image_of_k3s() -> None:
    finding = of_pods(running("docker.io/rancher/mirrored-coredns-coredns:1", "sha256:abc"))

    assert (finding.status, finding.found) == (
        Status.FAIL,
        "0/1 containers run what is locked, not docker.io/rancher/mirrored-coredns-coredns:1",
    )


def test_an_image_that_tells_no_digest_is_counted_apart_and_passes_nothing_alone() -> None:
    silent_one = running("registry.k8s.io/agnhost:2.63.0", "sha256:abc")
    good = running("registry.k8s.io/agnhost:2.63.0", f"registry.k8s.io/agnhost@{DIGEST}")

    assert of_pods(silent_one).status is Status.FAIL
    assert of_pods(silent_one, good).found == "1/1 containers run what is locked, 1 tell no digest"


def test_a_cluster_without_containers_does_not_pass_and_others_pods_are_their_own() -> None:
    assert of_pods().status is Status.FAIL
    assert of_pods(running("docker.io/mine:1", "docker.io/mine@sha256:x", "default")).found == (
        "0/0 containers run what is locked"
    )


def service(ip: str | None, kind: str = "LoadBalancer", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "default", "name": "web"},
        "spec": {"type": kind, "ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}], **spec},
        "status": {"loadBalancer": {"ingress": [{"ip": ip}] if ip else []}},
    }


def asked(*services: dict[str, Any], refused: str = "") -> Finding:
    snapshot = seen(lambda lists: lists.update(services=[*services]))
    [finding] = answer(CLUSTER, snapshot, lambda address, port: refused)
    return finding


def test_addresses_that_answer_pass() -> None:
    finding = asked(service("10.0.0.200"))

    assert (finding.status, finding.found) == (
        Status.PASS,
        "1/1 Services have an address, 1/1 ports answer",
    )


def test_an_address_that_does_not_answer_is_named() -> None:
    finding = asked(service("10.0.0.200"), refused="Connection refused")

    assert (finding.status, finding.detail) == (
        Status.FAIL,
        "default/web at 10.0.0.200:80: Connection refused",
    )


def test_a_service_that_waits_for_an_address_is_named() -> None:
    finding = asked(service(None))

    assert (finding.status, finding.found, finding.detail) == (
        Status.FAIL,
        "0/1 Services have an address, not default/web",
        "default/web has no address",
    )


def test_of_some_services_without_an_address_the_others_ports_are_asked() -> None:
    finding = asked(service("10.0.0.200"), service(None))

    assert finding.found == "1/2 Services have an address, 1/1 ports answer, not default/web"


NAMED = {**service(None), "status": {"loadBalancer": {"ingress": [{"hostname": "web.tailnet.ts.net"}]}}}


@pytest.mark.parametrize("other", [service(None, loadBalancerClass="tailscale"), NAMED])
def test_what_another_load_balancer_serves_is_its_own(other: dict[str, Any]) -> None:
    beside, alone = asked(service("10.0.0.200"), other, refused=""), asked(other)

    assert (beside.status, beside.found) == (
        Status.PASS,
        "1/1 Services have an address, 1/1 ports answer, 1 of another load balancer",
    )
    assert (alone.status, alone.found) == (
        Status.SKIPPED,
        "no Service asks MetalLB for an address, 1 of another load balancer",
    )
    waits = asked(service(None), other)
    assert (waits.status, waits.found) == (
        Status.FAIL,
        "0/1 Services have an address, not default/web, 1 of another load balancer",
    )


def test_where_there_is_no_tcp_port_nobody_knocked_and_nothing_passes() -> None:
    udp = [{"port": 53, "protocol": "UDP"}]
    finding = asked(service("10.0.0.200", ports=udp))

    assert (finding.status, finding.found) == (
        Status.SKIPPED,
        "1/1 Services have an address, and no TCP port to knock at",
    )
    assert asked(service(None, ports=udp)).status is Status.FAIL


@pytest.mark.parametrize("metadata", [{"deletionTimestamp": "2026-11-30T03:00:00Z"}, {"labels": OWNED}])
def test_a_service_that_goes_or_is_a_verifys_own_is_not_judged(metadata: dict[str, Any]) -> None:
    going = service("10.0.0.201")
    going["metadata"].update(metadata)

    assert asked(service("10.0.0.200"), going).found == "1/1 Services have an address, 1/1 ports answer"


def test_a_cluster_that_gives_no_address_is_skipped_and_not_passed() -> None:
    assert asked(service(None, "ClusterIP")).status is Status.SKIPPED


def test_a_silent_api_leaves_both_unsaid() -> None:
    snapshot = silent(CLUSTER, "refused")

    assert {each.status for each in [*locked(CLUSTER, LOCK, snapshot), *answer(CLUSTER, snapshot)]} == {
        Status.UNAVAILABLE
    }
