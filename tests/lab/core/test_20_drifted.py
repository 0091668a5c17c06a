"""Ten kinds of drift, made by hand: each is named with its diff, repaired, and nothing else with it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.core.test_10_installed import invocation, invocations
from tests.lab.site import KUBECTL, Site


@dataclass(frozen=True)
class Drift:
    """How one is made on which host of the lab, and the row that must tell of it."""

    host: str
    made: str
    phase: str
    node: str
    operation: str
    shown: str


DRIFTS = {
    "MetalLB's pool": Drift(
        "n1",
        f"{KUBECTL} -n metallb-system patch ipaddresspool slipway --type=merge "
        """-p '{"spec":{"addresses":["10.89.21.230-10.89.21.231"]}}'""",
        "load-balancer",
        "cp1",
        "Give it the addresses",
        "10.89.21.230",
    ),
    "sysctl, live value": Drift(
        "n2",
        "sysctl -w net.bridge.bridge-nf-call-ip6tables=0",
        "baseline",
        "w1",
        "Set kernel parameters",
        "ip6tables",
    ),
    "sysctl, file": Drift(
        "n1",
        "sed -i 's/ip_forward = 1/ip_forward = 0/' /etc/sysctl.d/90-slipway.conf",
        "baseline",
        "cp1",
        "Set kernel parameters",
        "ip_forward",
    ),
    "module file": Drift(
        "n2", "rm /etc/modules-load.d/slipway.conf", "baseline", "w1", "Load kernel modules", "br_netfilter"
    ),
    "containerd's configuration": Drift(
        "n2",
        "sed -i 's/SystemdCgroup = true/SystemdCgroup = false/' /etc/containerd/config.toml",
        "containerd",
        "w1",
        "Configure containerd",
        "SystemdCgroup",
    ),
    "unit disabled": Drift(
        "n1", "systemctl disable containerd.service", "containerd", "cp1", "Run containerd", "disabled"
    ),
    "binary replaced": Drift(
        "n2",
        "cd /opt/cni/bin && cp tuning t && echo >> t && mv t tuning",
        "artifacts",
        "w1",
        "Install containerd, runc and the CNI plugins",
        "/opt/cni/bin/tuning",
    ),
    "mode of a file": Drift(
        "n1",
        "chmod 0666 /etc/apt/apt.conf.d/52slipway",
        "baseline",
        "cp1",
        "Keep unattended upgrades away from it",
        "0666",
    ),
}


def test_each_drift_is_named_on_its_host_and_repaired_and_nothing_else(core: Site) -> None:
    core.data["nodes"][1]["labels"] = {"tier": "test"}
    core.write()
    core.ok("apply", "--yes")
    before = {host: invocations(core, host) for host in ("n1", "n2")}
    drifts = {
        **DRIFTS,
        "kubelet's configuration": Drift(
            "n2",
            "sed -i '/^imageGCHigh/s/:.*/: 99/' /etc/kubernetes/kubelet.conf.d/*.conf",
            "workers",
            "w1",
            "Configure the kubelet",
            "imageGCHighThresholdPercent",
        ),
        "label removed": Drift(
            "n1", f"{KUBECTL} label node w1 tier-", "nodes", "cp1", "Label and taint the nodes", "tier"
        ),
    }
    for drift in drifts.values():
        core.on(drift.host, drift.made)

    rows = core.plan()

    found = {(row["phase"], row["host"], row["operation"]): row for row in rows}
    for name, drift in drifts.items():
        row = found.get((drift.phase, drift.node, drift.operation))
        assert row, f"{name}: not in {[*found]}"
        assert drift.shown in f"{row['diff']}{row['reason']}", name
        assert row["diff"] or row["reason"], name
    expected = {(drift.phase, drift.node, drift.operation) for drift in drifts.values()}
    restarts = {("containerd", "w1", "Run containerd"), ("workers", "w1", "Run the kubelet")}
    assert found.keys() <= expected | restarts

    core.ok("apply", "--yes")

    assert core.plan(code=0) == []
    assert core.on("n2", "sysctl -n net.bridge.bridge-nf-call-ip6tables") == "1"
    # what was edited and is put back before anything read it needs no restart
    assert {host: invocations(core, host) for host in ("n1", "n2")} == before


def test_a_change_of_containerds_configuration_restarts_containerd_alone(core: Site) -> None:
    kubelet, containerd = invocation(core, "n1", "kubelet"), invocation(core, "n1", "containerd")
    pods = core.on("n1", "pgrep -x kube-apiserver; pgrep -x etcd")
    core.data["containerd"]["limits"] = {"nofile": 19999, "nproc": 4096}
    core.write()

    core.ok("apply", "--yes")

    assert invocation(core, "n1", "kubelet") == kubelet
    assert invocation(core, "n1", "containerd") != containerd
    assert core.on("n1", "pgrep -x kube-apiserver; pgrep -x etcd") == pods
    assert core.plan(code=0) == []
