from __future__ import annotations

from pathlib import Path

import pytest

from deploy.catalog import gates
from deploy.model.mistake import written

EXPECTED = Path(__file__).with_name("expected")
# one of every kind: grown up, locked, removed early and late, alpha for long, deprecated, young, misspelt
ASKED = (
    "APIListChunking",
    "AllAlpha",
    "AllowServiceLBStatusOnNonLB",
    "AtomicFIFO",
    "CBORServingAndStorage",
    "ControllerManagerReleaseLeaderElectionLockOnExit",
    "CustomCPUCFSQuotaPeriod",
    "DRAAdminAccess",
    "DRAExtendedResource",
    "DynamicKubeletConfig",
    "DynamicResourceAllocation",
    "DynamicResourceAlocation",
    "InOrderInformers",
    "KubeletTracing",
    "SidecarContainers",
    "TopologyManagerPolicyOptions",
    "UserNamespacesSupport",
    "WatchListClient",
)


def asked(version: str) -> str:
    """Return what is said to every gate of ASKED, once on and once off, and what would be emitted."""
    lines = []
    for name in ASKED:
        for on in (True, False):
            wanted = {name: on}
            said = gates.check(version, wanted) or gates.warnings(version, wanted)
            emitted = gates.as_flag(gates.to_emit(version, wanted)) or "nothing"
            lines.append(f"{name}: {str(on).lower()} -> {said[0].text if said else 'as asked'} [{emitted}]")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("minor", gates.MINORS)
def test_every_version_answers_for_every_kind_of_gate(minor: str) -> None:
    assert asked(f"v{minor}.9") == (EXPECTED / f"gates-{minor}").read_text()


@pytest.mark.parametrize("minor", gates.MINORS)
def test_a_locked_or_removed_gate_is_always_refused_with_the_version_since_when(minor: str) -> None:
    for name, known, stage in gates.rows():
        if known == minor and (stage.locked or stage.name == gates.REMOVED):
            for on in (True, False):
                (mistake,) = gates.check(f"v{minor}.0", {name: on})
                assert f"Kubernetes {stage.since}" in mistake.text, (name, on)


@pytest.mark.parametrize("minor", gates.MINORS)
def test_nothing_that_is_refused_or_the_default_is_emitted(minor: str) -> None:
    version = f"v{minor}.0"
    for name, known, stage in gates.rows():
        if known == minor:
            assert gates.to_emit(version, {name: stage.on}) == {}, name
            free = not stage.locked and stage.name != gates.REMOVED
            assert gates.check(version, {name: not stage.on}) == [] if free else True, name


def test_all_mistakes_are_told_at_once_each_at_its_place() -> None:
    wanted = {"DynamicResourceAllocation": False, "KubeletTracing": False, "CBORServingAndStorage": True}

    mistakes = gates.check("v1.36.3+k3s1", wanted)

    assert [f"{written(mistake.place)}: {mistake.text}" for mistake in mistakes] == [
        f"kubernetes.feature_gates.{name}: the gate is locked to true since Kubernetes {since}; leave it out"
        for name, since in (("DynamicResourceAllocation", "1.35"), ("KubeletTracing", "1.34"))
    ]


def test_a_version_whose_gates_are_not_known_takes_none() -> None:
    (mistake,) = gates.check("v1.38.0", {"AllAlpha": True})

    assert mistake.text == (
        "the feature gates of Kubernetes 1.38 are not known, those of 1.32, 1.33, 1.34, 1.35, 1.36, 1.37 are"
    )


def test_a_gate_of_one_component_is_given_to_no_other() -> None:
    wanted = {"ControllerManagerReleaseLeaderElectionLockOnExit": True, "CBORServingAndStorage": True}

    given = {name: [*gates.to_emit("v1.36.3", wanted, name)] for name in gates.COMPONENTS}

    assert given == {
        "kube-apiserver": ["CBORServingAndStorage"],
        "kube-controller-manager": [
            "CBORServingAndStorage",
            "ControllerManagerReleaseLeaderElectionLockOnExit",
        ],
        "kube-scheduler": ["CBORServingAndStorage"],
        "kubelet": ["CBORServingAndStorage"],
        "kube-proxy": ["CBORServingAndStorage"],
    }


@pytest.mark.parametrize(
    ("minor", "switched_on", "gate"),
    [
        ("1.32", ("resource.k8s.io/v1beta1=true",), True),
        ("1.33", ("resource.k8s.io/v1beta1=true", "resource.k8s.io/v1beta2=true"), True),
        ("1.34", (), False),
        ("1.35", (), False),
        ("1.36", (), False),
        ("1.37", (), False),
    ],
)
def test_dra_needs_a_gate_and_its_beta_versions_until_1_34(
    minor: str, switched_on: tuple[str, ...], gate: bool
) -> None:
    needs = gates.needed_by("resource.k8s.io", f"v{minor}.0")

    assert needs.runtime_config == switched_on
    assert dict(needs.gates) == ({"DynamicResourceAllocation": True} if gate else {})


def test_gates_are_written_as_the_flag_wants_them() -> None:
    assert gates.as_flag({"A": True, "B": False}) == "A=true,B=false"
