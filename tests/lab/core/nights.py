"""The table of faults by nights: made together, with what each takes with it, and told by a report."""

from __future__ import annotations

import re
from typing import Any

from deploy.lab.faults import Fault, Host
from tests.lab.site import of_the_machine

NODES = {Host.CONTROL_PLANE: ("n1", "cp1"), Host.WORKER: ("n2", "w1"), Host.CLUSTER: ("n1", None)}
BOTH = ("cp1", "w1")
# what hosts are judged by against each other: of two that differ neither is taken for the right one
MUTUAL = ("HOST-19",)
# What only the API can tell: unavailable without it, each of them, which is no fault of its own.
UNTOLD = {
    *(
        (check, host)
        for check in ("K8S-01", "K8S-02", "K8S-04", "K8S-08", "K8S-19", "RT-02")
        for host in BOTH
    ),
    ("K8S-09", "cp1"),
    *(
        (check, None)
        for check in ("GPU-18", "K8S-02", "K8S-09", "LB-02", "LB-03", "LB-04", "RT-13", "SRV-11")
    ),
}
# What a fault brings down with it; it is found with the fault and gone with it.
WITH: dict[str, set[tuple[str, str | None]]] = {
    # its certificate is not served, its Service not answered, and no phase can ask it how things are
    "api-server-stopped": {
        *UNTOLD,
        ("K8S-03", "cp1"),
        ("K8S-05", "cp1"),
        *(("K8S-15", host) for host in BOTH),
        *((phase, "cp1") for phase in ("control-plane", "names")),
        ("workers", "w1"),
    },
    "taint-added": {("nodes", "cp1")},
    "kubelet-stopped": {
        ("K8S-01", "w1"),
        ("K8S-03", "w1"),
        ("K8S-04", "w1"),
        ("RT-02", "w1"),
        ("workers", "w1"),
        ("K8S-09", None),
    },
    "sysctl-live": {
        ("baseline", "w1"),
        ("K8S-06", "cp1"),
        ("K8S-06", "w1"),
        ("K8S-15", "w1"),
        ("LB-04", None),
    },
    "sysctl-file": {("HOST-07", "cp1")},
    "sysctl-overridden": {("baseline", "cp1")},
    "modules-file": {("HOST-06", "w1")},
    "containerd-edited": {("RT-02", "w1")},
    "kubelet-edited": {("K8S-04", "w1")},
    # its kubelet's certificate is what asks the API
    "certificate-ended": {("K8S-19", "w1")},
    "label-removed": {("nodes", "cp1")},
    "node-excluded": {("nodes", "cp1")},
    "dns-gone": {("K8S-06", "cp1"), ("K8S-06", "w1")},
    "speaker-nowhere": {("LB-02", None), ("LB-04", None)},
    "static-pod-edited": {("K8S-09", "cp1")},
    "pool-edited": {("load-balancer", "cp1")},
    "advertisement-deleted": {("load-balancer", "cp1")},
}
BATCHES = {
    "hosts, now": [
        "sysctl-live",
        "modules-file",
        "reboot-pending",
        "mtu-changed",
        "disk-full",
        "plugin-replaced",
        "kubelet-mode",
        "fstab-swap",
    ],
    "hosts, at the next boot": [
        "sysctl-file",
        "journal-limit",
        "upgrades-file",
        "hosts-entry",
        "inodes-full",
        "containerd-disabled",
        "kubelet-restarted",
        "kubelet-disabled",
    ],
    "runtime and kubelet": [
        "sysctl-overridden",
        "containerd-edited",
        "containerd-unit-edited",
        "kubelet-edited",
        "kubelet-replaced",
        "manifest-kept",
        "certificate-ended",
    ],
    "the mirror": ["registry-mirror", "taint-added"],
    "a stopped kubelet": ["kubelet-stopped"],
    "nodes": ["label-removed", "node-cordoned", "node-excluded", "namespace-unlabelled"],
    "objects": [
        "node-ghost",
        "dns-gone",
        "pool-edited",
        "service-without-address",
        "release-edited",
        "kube-proxy-edited",
    ],
    "a static pod": ["static-pod-edited"],
    "who announces": ["speaker-nowhere", "advertisement-deleted"],
    "another host under the same address": ["host-key-changed"],
    "etcd": ["etcd-edited"],
    "no API server": ["api-server-stopped"],
}


def found(report: dict[str, Any]) -> set[tuple[str, str | None]]:
    """Return what is wrong in a report: (check, host) and (phase, host).

    Of a host that was not reached that alone is said: nothing else about it could be looked at.
    """
    checks = {
        (each["check"], each["host"])
        for each in report["findings"]
        if each["status"] in ("fail", "unavailable")
        and each["severity"] != "info"
        and not of_the_machine(each)
        and (each["check"] == "HOST-00" or each["host"] not in report["unreachable"])
    }
    return checks | {(row["phase"], row["host"]) for row in report["rows"] if row["state"] != "none"}


def lone(report: dict[str, Any]) -> set[tuple[str, str | None]]:
    """Return the checks that say neither which fault they come from, nor which operation mends it."""
    checks = {(each["check"], each["host"]): each for each in report["findings"]}
    return {
        each
        for each in found(report) & checks.keys()
        if not checks[each]["because"] and not checks[each]["remedy"].startswith("slipway apply does it: ")
    }


def named(fault: Fault) -> set[tuple[str, str | None]]:
    """Return under which name a fault may be found, and be gone."""
    node = NODES[fault.host][1]
    if fault.phase is not None:  # one of the cluster is shown at who speaks for it, and gone from no host
        return {(fault.phase, node)} if node else {(fault.phase, "cp1"), (fault.phase, None)}
    check = fault.check or ""
    if check in MUTUAL:
        return {(check, each) for each in BOTH}
    return {(check, node)} if node else {(check, None), (check, "w1"), (check, "ghost")}


def told(report: dict[str, Any], fault: Fault) -> list[tuple[str, str, str]]:
    """Return (found, wanted, since) of a fault's own finding or operation; one's diff says both."""
    names = named(fault)
    if fault.operation is None:
        return [
            (f"{each['found']}\n{each['detail']}", each["wanted"], each["since"])
            for each in report["findings"]
            if each["status"] == "fail" and (each["check"], each["host"]) in names
        ]
    since = {(each["check"], each["host"]): each["moment"] for each in report["since"]}
    mine = [row for row in report["rows"] if (row["phase"], row["host"]) in names and row["state"] != "none"]
    return [
        (said, said, since[f"{row['phase']} | {row['operation']}", host])
        for row in mine
        if row["operation"].startswith(fault.operation)
        for said in [f"{row['reason']}\n{row['diff']}"]
        for host in [None if row["of_cluster"] else row["host"]]
    ]


def right(report: dict[str, Any], fault: Fault) -> bool:
    """Say whether a fault is told as it is: what was found, what was wanted, and that it is new."""
    patterns = [re.compile(each or "", re.MULTILINE) for each in (fault.found, fault.wanted)]
    return any(
        patterns[0].search(found) and patterns[1].search(wanted) and since == report["started"]
        for found, wanted, since in told(report, fault)
    )
