"""Six kinds of drift of k3s: a night names each on its host, an apply repairs it and nothing else."""

from __future__ import annotations

from tests.lab.k3s.runs import KUBECTL, VERSION, failed, pods, runs
from tests.lab.site import Site

GENERATED = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"
# how it is made, on which host -> the row that tells of it: phase, node, operation, words
DRIFTS = {
    "config key": (
        ("n2", "echo 'debug: true' >> /etc/rancher/k3s/config.yaml"),
        ("workers", "a1", "Configure k3s", "debug: true"),
    ),
    "registries": (
        ("n1", "sed -i 's/:5000/:5001/' /etc/rancher/k3s/registries.yaml"),
        ("control-plane", "s1", "Configure k3s", ":5001"),
    ),
    "unit": (
        ("n2", "sed -i 's/^Restart=always/Restart=no/' /etc/systemd/system/k3s-agent.service"),
        ("workers", "a1", "Run k3s", "Restart=no"),
    ),
    "binary digest": (
        ("n2", "cd /usr/local/bin && cp k3s k && echo >> k && mv k k3s"),
        ("artifacts", "a1", f"Install k3s {VERSION}", "/usr/local/bin/k3s was replaced"),
    ),
    "hand-edited generated config.toml": (
        ("n1", f"echo '# mine' >> {GENERATED}"),
        ("control-plane", "s1", "Run k3s", "config.toml was edited"),
    ),
    "label": (
        ("n1", f"{KUBECTL} label node a1 tier-"),
        ("nodes", "s1", "Label and taint the nodes", "tier"),
    ),
}


def test_six_drifts_are_named_on_their_hosts_and_repaired_and_nothing_else(k3s: Site) -> None:
    before, running = runs(k3s), pods(k3s)
    for (host, made), _ in DRIFTS.values():
        k3s.on(host, made)

    report = k3s.night(3)

    rows = {
        (row["phase"], row["host"], row["operation"]): f"{row['diff']}{row['reason']}"
        for row in report["rows"]
        if row["state"] != "none"
    }
    for name, (_, (phase, host, operation, words)) in DRIFTS.items():
        assert words in rows.get((phase, host, operation), ""), f"{name}: {rows}"
    assert rows.keys() == {(phase, host, operation) for _, (phase, host, operation, _) in DRIFTS.values()}
    assert ("RT-05", "s1") in failed(report)
    assert {host for _, host in failed(report)} <= {"s1", "a1", None}

    k3s.ok("apply", "--yes")

    after = k3s.night(0)
    assert ("RT-05", "s1") in {(each["check"], each["host"]) for each in after["gone"]}
    assert "# mine" not in k3s.on("n1", f"cat {GENERATED}")
    # what k3s generated is made anew by a restart; what was put back before k3s read it needs none
    assert runs(k3s) == {**before, "n1": runs(k3s)["n1"]}
    assert runs(k3s)["n1"] != before["n1"]
    assert pods(k3s) == running
