"""What some preflight checks look at beyond the plain fault."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.collect.observed import Observed
from checks.collect.probing import with_probes
from checks.finding import Status
from deploy.model import Cluster
from deploy.observe.confinement import Confinement
from deploy.observe.pci import Bus
from tests.unit.checks.faults import hopper, instinct, linked
from tests.unit.checks.judging import judged, of
from tests.unit.checks.machines import GIB, cluster, device, everyone, healthy, with_arcs


def test_vendors_are_judged_by_what_is_found_too() -> None:
    cp1, w1, g1 = everyone()
    amd = {each.check for each in judged(cp1, instinct(w1), g1) if each.check.startswith("AMD") and each.host}
    nvidia = {each.check for each in judged(cp1, hopper(w1), g1) if each.check.startswith("NV") and each.host}

    assert amd == {"AMD-01", "AMD-02", "AMD-04"}
    assert nvidia == {"NV-01", "NV-03", "NV-04", "NV-06"}


def with_gpus(gpus: dict[str, object] | None) -> Cluster:
    """Return the cluster with other GPUs on its last node."""
    one, two, three = (node.model_dump(mode="json") for node in cluster().nodes)
    return cluster(nodes=[one, two, {**three, "gpus": gpus}])


def test_a_card_of_an_unknown_id_is_told_by_it_and_taken_for_the_declared_one() -> None:
    cp1, w1, g1 = everyone()
    new = {"vendor": "nvidia", "model": "RTX 4071", "count": 1}
    unknown = replace(
        g1, pci=Bus(True, (device("0000:1b:00.0", "10de", "9999", "nvidia", bar=GIB, pci_class="030200"),))
    )

    taken = of(judged(cp1, w1, unknown, inventory=with_gpus(new)), "GPU-01", "g1")
    undeclared = of(judged(cp1, w1, unknown, inventory=with_gpus(None)), "GPU-01", "g1")
    other = of(judged(cp1, w1, hopper(g1), inventory=with_gpus(new)), "GPU-01", "g1")

    assert (taken.status, taken.found) == (Status.PASS, "1x nvidia 10de:9999")
    assert undeclared.remedy == (
        "Declare them: gpus: {vendor: nvidia, model: NAME, count: 1}, NAME as nvidia calls 10de:9999,"
        " such as RTX 4070"
    )
    assert (other.status, other.found, other.wanted) == (
        Status.FAIL,
        "1x nvidia H100",
        "1x nvidia RTX 4071",
    )


def with_own_graphics(host: Observed, kfd: int, driver: str | None = "amdgpu") -> Observed:
    """Return an Instinct's host whose processor has graphics of its own."""
    assert host.pci
    assert host.gpu_state
    own = device("0000:0c:00.0", "1002", "164e", driver, bar=GIB)
    return replace(host, pci=Bus(True, (*host.pci.devices, own)), gpu_state=replace(host.gpu_state, kfd=kfd))


@pytest.mark.parametrize(
    ("kfd", "driver", "said"),
    [
        (2, "amdgpu", (Status.PASS, "error")),
        (1, "amdgpu", (Status.FAIL, "warning")),
        (0, "amdgpu", (Status.FAIL, "error")),
        (1, None, (Status.PASS, "error")),
    ],
)
def test_a_processors_own_graphics_are_counted_where_amdgpu_drives_them(
    kfd: int, driver: str | None, said: tuple[Status, str]
) -> None:
    cp1, w1, g1 = everyone()
    finding = of(judged(cp1, with_own_graphics(instinct(w1), kfd, driver), g1), "AMD-01", "w1")

    assert (finding.status, finding.severity) == said
    if driver:
        assert finding.wanted == "/dev/kfd with 2 GPUs, 1 of them integrated"


def test_amds_device_plugin_would_give_a_processors_own_graphics_away() -> None:
    cp1, w1, g1 = everyone()
    host = with_own_graphics(instinct(g1), 2)
    declared = {"vendor": "amd", "model": "MI300X", "count": 1}

    by_claim = of(judged(cp1, w1, host, inventory=with_gpus(declared)), "GPU-01", "g1")
    plugin = with_gpus({**declared, "allocation": "device-plugin"})
    by_number = of(judged(cp1, w1, host, inventory=plugin), "GPU-01", "g1")

    assert by_claim.status is Status.PASS
    assert (by_number.status, by_number.severity, by_number.remedy) == (
        Status.FAIL,
        "warning",
        "Switch the integrated graphics off in the firmware's setup",
    )
    assert by_number.detail == "AMD's device plugin gives away the integrated graphics too"


@pytest.mark.parametrize(
    ("declared", "severity", "detail"),
    [
        ({"allocation": "dra"}, "warning", "GPUs that are not declared are not used"),
        (
            {"allocation": "device-plugin"},
            "error",
            "nvidia's device plugin gives away all of its vendor's cards, declared or not",
        ),
    ],
)
def test_a_card_beside_the_declared_ones_is_not_used_where_the_way_can_choose(
    declared: dict[str, str], severity: str, detail: str
) -> None:
    cp1, w1, g1 = everyone()
    host = hopper(g1)
    assert host.pci
    other = device("0000:21:00.0", "10de", "2504", "nvidia", bar=GIB, pci_class="030000")
    two = replace(host, pci=Bus(True, (*host.pci.devices, other)))
    wish = {"vendor": "nvidia", "model": "H100", "count": 1, **declared}

    finding = of(judged(cp1, w1, two, inventory=with_gpus(wish)), "GPU-01", "g1")

    assert (finding.status, finding.severity, finding.detail) == (Status.FAIL, severity, detail)
    if severity == "error":
        assert finding.remedy == (
            "Set allocation: dra, by which pods ask for a model, or take the other cards out of the node"
        )


def test_the_leftovers_of_this_cluster_are_no_fault() -> None:
    host = healthy()
    remains = replace(host.remains, identity={"name": "home"}, places=("/var/lib/etcd",))  # type: ignore[type-var]

    found = of(judged(everyone()[0], replace(host, remains=remains), with_arcs()), "HOST-27", "w1")

    assert (found.status, found.found) == (Status.PASS, "a host of home")


@pytest.mark.parametrize(
    ("speed", "status", "found"), [(4.2, Status.FAIL, "4 MB/s"), (110.0, Status.PASS, "110 MB/s")]
)
def test_a_slow_mirror_is_found(speed: float, status: Status, found: str) -> None:
    inventory = cluster(artifacts={"mirror": "http://192.168.1.2:8080"})
    host = replace(healthy(), active=True, speed=speed)

    finding = of(judged(everyone()[0], host, with_arcs(), inventory=inventory), "HOST-29", "w1")

    assert (finding.status, finding.found) == (status, found)


def test_a_probe_that_failed_is_unavailable_with_its_words() -> None:
    host = with_probes(healthy(), "mesh cp1 tcp ok\nran mesh\nfailed speed curl: 404", "")
    inventory = cluster(artifacts={"mirror": "http://192.168.1.2:8080"})

    finding = of(judged(everyone()[0], host, with_arcs(), inventory=inventory), "HOST-29", "w1")

    assert (finding.status, finding.found) == (Status.UNAVAILABLE, "speed: curl: 404")


def test_containers_of_one_machine_share_its_uuid_rightly() -> None:
    cp1, w1, g1 = everyone()
    held = Confinement("podman", 20000, 4096, may_raise_limits=False)
    twin = replace(w1.system, product_uuid=cp1.system.product_uuid)  # type: ignore[union-attr,type-var]

    found = of(judged(cp1, replace(w1, system=twin, confinement=held), g1), "HOST-11", "w1")

    assert (found.status, found.found) == (
        Status.PASS, "machine-id 00000000..., MAC 52:54:00:00:00:01; the product_uuid is its machine's",
    )  # fmt: skip


def test_of_two_hosts_with_two_mtus_neither_is_taken_for_the_right_one() -> None:
    nodes = [node.model_dump(mode="json") for node in cluster().nodes[:2]]
    cp1, w1, _ = everyone()

    findings = judged(cp1, linked(mtu=1400)(w1), inventory=cluster(nodes=nodes))

    for host, mtu in (("cp1", "1500"), ("w1", "1400")):
        said = of(findings, "HOST-19", host)
        assert (said.status, said.found, said.wanted) == (
            Status.FAIL,
            mtu,
            "one on all hosts, not 1400 and 1500",
        )


@pytest.mark.parametrize(
    ("ahead", "lasting", "said"),
    [(41.0, 0.0, "40 s off the other hosts"), (4.0, 0.0, "3 s off the other hosts"), (4.0, 6.0, "agrees")],
)
def test_of_two_hosts_each_is_measured_by_the_other(ahead: float, lasting: float, said: str) -> None:
    nodes = [node.model_dump(mode="json") for node in cluster().nodes[:2]]
    cp1, w1, _ = everyone()
    assert w1.clock
    window = replace(w1.window, end=w1.window.end + lasting)
    wrong = replace(w1, clock=replace(w1.clock, now=w1.clock.now + ahead), window=window)

    findings = judged(cp1, wrong, inventory=cluster(nodes=nodes))

    for host in ("cp1", "w1"):
        assert of(findings, "HOST-09", host).found.startswith(said)


def test_a_path_that_carries_nothing_is_not_called_short() -> None:
    host = replace(healthy(), active=True, mesh={"g1": {"tcp": True, "udp": False, "mtu": False}})

    finding = of(judged(everyone()[0], host, with_arcs()), "HOST-19", "w1")

    assert (finding.status, finding.found) == (Status.PASS, "1500")


def test_a_host_without_python_says_so() -> None:
    host = with_probes(healthy(), "", "the probe needs python3 on the host")

    finding = of(judged(everyone()[0], host, with_arcs()), "HOST-18", "w1")

    assert (finding.status, finding.found) == (
        Status.UNAVAILABLE, "mesh: the probe needs python3 on the host",
    )  # fmt: skip
