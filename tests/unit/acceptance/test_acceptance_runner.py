"""Checks on hosts, over any connection: nothing passes that was not seen."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from clusters import CLUSTER, LOCK, Ran
from test_kubelet_files import files
from test_served_certificates import certificate

from checks.acceptance.runner import prove_hosts
from checks.acceptance.test_certificates import EVERYWHERE, reading
from checks.acceptance.test_kubelet_files import READ as FILES
from checks.acceptance.test_services import query
from checks.acceptance.test_static_pods import MANIFEST, comparison, listing
from checks.finding import Finding
from deploy.model import TimeSync
from deploy.observe.kubeadm import MANIFESTS


def printed(days: int) -> str:
    """Return a certificate that ends in so many days as w1 prints it: in its files, and as it is served."""
    return "\n".join(f"@ {name}\n{certificate(days)}" for name in (*EVERYWHERE, "served at 10.0.0.12:10250"))


SYSCTLS = "sysctl -n net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables"
GOOD = {
    "cat /proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
    "cat /proc/filesystems; ls -d /proc/sys/net/bridge 2>/dev/null || true": (
        "nodev\toverlay\n\text4\n/proc/sys/net/bridge\n"
    ),
    SYSCTLS: "1\n1\n",
    "sysctl -n fs.inotify.max_user_instances fs.inotify.max_user_watches": "8192\n524288\n",
    "date +%s.%N": "now",
    "systemctl is-active containerd": "active\n",
    "ctr --connect-timeout 3s version": "Client:\n  Version:  v2.3.7\nServer:\n  Version:  v2.3.7\n",
    "systemctl is-active kubelet": "active\n",
    "kubelet --version": "Kubernetes v1.36.3\n",
}
DNS = (
    "timeout 3 bash -c 'exec 3<>/dev/udp/10.43.0.10/53 && printf \""
    + "".join(f"\\x{byte:02x}" for byte in query("kube-dns.kube-system.svc.cluster.local"))
    + "\" >&3 && head -c 12 <&3 | od -An -tx1'"
)
DIFF = "kubeadm upgrade diff v1.36.3 --kubeconfig /etc/kubernetes/admin.conf -c 1"
ETCD = comparison(CLUSTER.node("cp1"))
EDITED = """--- /etc/kubernetes/manifests/kube-scheduler.yaml
+++ new manifest
@@ -18 +17,0 @@
-    - --v=3
"""
READ = reading(CLUSTER, CLUSTER.node("w1"))
GOOD |= {
    FILES: files(),
    DIFF: "[upgrade/diff] Reading configuration\n",
    ETCD: "",
    listing(): "LISTED",
    READ: printed(days=364),
    DNS: " 51 17 85 00 00 01 00 01 00 00 00 00\n",
    "timeout 3 bash -c 'exec 3<>/dev/tcp/10.43.0.1/443'": "",
}
JOURNAL = "journalctl -u kubelet --since -24h -o short-iso --no-pager -q"
ADDRESSES = {"cp1": "10.0.0.11", "w1": "10.0.0.12"}
LISTED = {"cp1": "".join(f"{each}\n" for each in MANIFESTS) + "all\n", "w1": "all\n"}


def answers(changed: Mapping[str, Ran] = {}) -> object:
    def run(host: str, command: str) -> Ran:
        if command in changed:
            return changed[command]
        if command == "ip -o -4 addr show":
            return Ran(out=f"1: lo    inet 127.0.0.1/8 \n2: eth0    inet {ADDRESSES[host]}/24 brd\n")
        if command.startswith(JOURNAL):
            return Ran(out="2026-11-30T03:00:00 w1 kubelet: started\n")
        said = GOOD[command].replace("ADDRESS", ADDRESSES[host]).replace("LISTED", LISTED[host])
        return Ran(out=said.replace("now", f"{time.time():.9f}\n"))

    return run


def prove(changed: Mapping[str, Ran] = {}, unreachable: Mapping[str, str] = {}) -> list[Finding]:
    return prove_hosts(CLUSTER, answers(changed), unreachable, {"lock": LOCK})


def on(host: str, findings: list[Finding]) -> list[tuple[str, str, str, str]]:
    return [
        (each.check, each.status.value, each.found, each.wanted) for each in findings if each.host == host
    ]


def test_a_good_host_passes_each_check_and_says_what_it_saw() -> None:
    assert on("w1", prove()) == [
        ("HOST-00", "pass", "an answer", "an answer"),
        ("HOST-01", "pass", "uid 0", "uid 0"),
        ("HOST-03", "pass", "no swap", "no swap"),
        ("HOST-06", "pass", "overlay and /proc/sys/net/bridge", "overlay and /proc/sys/net/bridge"),
        (
            "HOST-07",
            "pass",
            "net.ipv4.ip_forward=1, net.bridge.bridge-nf-call-iptables=1",
            "net.ipv4.ip_forward=1, net.bridge.bridge-nf-call-iptables=1",
        ),
        ("HOST-08", "pass", "8192 instances and 524288 watches", ">= 1024 and 524288"),
        ("HOST-09", "pass", "0.0 s off", "< 2 s off the controller's clock"),
        ("HOST-12", "pass", "10.0.0.12 on eth0", "10.0.0.12 on an interface"),
        ("K8S-03", "pass", "3 certificates, pki/ca.crt ends in 363 days", ">= 30 days each"),
        ("K8S-06", "pass", "10.43.0.10: 1 answer", "10.43.0.10: 1 answer"),
        ("K8S-11", "pass", "no alarm", "no alarm"),
        ("K8S-13", "pass", "active, v1.36.3", "active, v1.36.3"),
        ("K8S-15", "pass", "10.43.0.1:443 connects", "10.43.0.1:443 connects"),
        ("K8S-19", "pass", "what was written for it", "what was written for it"),
        ("K8S-20", "pass", "no file but kubeadm's", "no file but kubeadm's"),
        ("RT-01", "pass", "active, v2.3.7", "active, v2.3.7"),
    ]


@pytest.mark.parametrize(
    ("said", "status", "found"),
    [
        ("yes\n", "pass", "synchronised"),
        ("no\n", "fail", "not synchronised"),
        ("", "unavailable", "timedatectl does not say whether the clock is synchronised"),
    ],
)
def test_a_clock_that_the_inventory_keeps_is_synchronised(said: str, status: str, found: str) -> None:
    kept = CLUSTER.model_copy(update={"host": CLUSTER.host.model_copy(update={"time": TimeSync.CHRONY})})
    asked = "date +%s.%N; timedatectl show -p NTPSynchronized --value 2>/dev/null || true"
    now = {asked: Ran(out=f"{time.time():.9f}\n{said}")}

    findings = prove_hosts(kept, answers(now), {}, {"lock": LOCK})

    [clock] = [each for each in on("w1", findings) if each[0] == "HOST-09"]
    assert (clock[1], clock[2].rpartition("off, ")[2]) == (status, found)


@pytest.mark.parametrize(
    ("command", "ran", "expected"),
    [
        (
            "cat /proc/swaps",
            Ran(out="Filename Type\n/dev/sda2 partition 1 0 -2\n"),
            ("HOST-03", "fail", "/dev/sda2", "no swap"),
        ),
        ("cat /proc/swaps", Ran(out=""), ("HOST-03", "unavailable", "", "")),
        (
            "cat /proc/swaps",
            Ran(1, err="no such file"),
            ("HOST-03", "unavailable", "`cat /proc/swaps` ended with 1: no such file", ""),
        ),
        (
            "date +%s.%N",
            Ran(out="1000000000.0\n"),
            ("HOST-09", "fail", "", "< 2 s off the controller's clock"),
        ),
        (
            "systemctl is-active containerd",
            Ran(3, out="inactive\n"),
            ("RT-01", "fail", "inactive", "active"),
        ),
        (
            "ctr --connect-timeout 3s version",
            Ran(1, err="cannot access socket"),
            ("RT-01", "fail", "active, no answer: cannot access socket", "active, v2.3.7"),
        ),
        (
            "ctr --connect-timeout 3s version",
            Ran(out="Server:\n  Version:  v2.0.0\n"),
            ("RT-01", "fail", "active, v2.0.0", "active, v2.3.7"),
        ),
        (READ, Ran(1), ("K8S-03", "unavailable", "no certificate could be read: none is there", "")),
        (READ, Ran(out="@ pki/ca.crt\n"), ("K8S-03", "unavailable", "", "")),
        (
            READ,
            Ran(out=printed(days=20)),
            ("K8S-03", "fail", "3 certificates, pki/ca.crt ends in 19 days", ">= 30 days each"),
        ),
        (
            READ,
            Ran(out=printed(days=-3)),
            ("K8S-03", "fail", "3 certificates, pki/ca.crt ended 4 days ago", ">= 30 days each"),
        ),
        (DNS, Ran(124), ("K8S-06", "fail", "10.43.0.10: no answer", "10.43.0.10: 1 answer")),
        (
            DNS,
            Ran(out=" 51 17 85 03 00 01 00 00 00 00 00 00\n"),
            ("K8S-06", "fail", "10.43.0.10: error 3, 0 answers", "10.43.0.10: 1 answer"),
        ),
        (
            "timeout 3 bash -c 'exec 3<>/dev/tcp/10.43.0.1/443'",
            Ran(124),
            (
                "K8S-15",
                "fail",
                "10.43.0.1:443 does not connect: silence of 3 s",
                "10.43.0.1:443 connects",
            ),
        ),
        ("kubelet --version", Ran(127), ("K8S-13", "fail", "active, no version", "active, v1.36.3")),
        (
            "sysctl -n fs.inotify.max_user_instances fs.inotify.max_user_watches",
            Ran(out="128\n524288\n"),
            ("HOST-08", "fail", "128 instances and 524288 watches", ">= 1024 and 524288"),
        ),
        (
            SYSCTLS,
            Ran(255, out="1\n", err="cannot stat /proc/sys/net/bridge"),
            (
                "HOST-07",
                "unavailable",
                f"`{SYSCTLS}` ended with 255: cannot stat /proc/sys/net/bridge",
                "",
            ),
        ),
    ],
)
def test_a_fault_is_found_and_what_cannot_be_read_is_no_pass(
    command: str, ran: Ran, expected: tuple[str, str, str, str]
) -> None:
    [found] = [each for each in on("w1", prove({command: ran})) if each[0] == expected[0]]

    assert (found[0], found[1], found[3]) == (expected[0], expected[1], expected[3])
    assert found[2] == expected[2] or not expected[2]


@pytest.mark.parametrize(
    ("ran", "expected"),
    [
        (Ran(out="[upgrade/diff] Reading\n"), ("pass", "what kubeadm makes of its configuration")),
        (Ran(), ("unavailable", "kubeadm upgrade diff said nothing, not even what it read")),
        (Ran(out=EDITED), ("fail", "/etc/kubernetes/manifests/kube-scheduler.yaml differ")),
        (Ran(1, err="refused"), ("unavailable", "kubeadm upgrade diff ended with 1: refused")),
    ],
)
def test_static_pods_are_compared_on_control_planes_only(ran: Ran, expected: tuple[str, str]) -> None:
    findings = prove({DIFF: ran})

    assert [each[1:3] for each in on("cp1", findings) if each[0] == "K8S-05"] == [expected]
    assert [each for each in on("w1", findings) if each[0] == "K8S-05"] == []


@pytest.mark.parametrize(
    ("ran", "expected"),
    [
        (Ran(1, out=EDITED.replace("kube-scheduler", "etcd")), ("fail", f"{MANIFEST} differ")),
        (Ran(3, err="refused"), ("unavailable", "etcd's manifest could not be compared: refused")),
        (Ran(2), ("unavailable", "etcd's manifest could not be compared: ended with 2")),
    ],
)
def test_etcds_manifest_is_compared_too(ran: Ran, expected: tuple[str, str]) -> None:
    findings = prove({ETCD: ran})

    assert [each[1:3] for each in on("cp1", findings) if each[0] == "K8S-05"] == [expected]


@pytest.mark.parametrize(
    ("host", "ran", "expected"),
    [
        (
            "cp1",
            Ran(out=f"{MANIFEST}.bak\n{MANIFEST}\nall\n"),
            ("fail", f"the kubelet reads {MANIFEST}.bak, too"),
        ),
        ("cp1", Ran(out="all\n"), ("unavailable", "the folder of static pods was not listed whole")),
        ("cp1", Ran(1, err="?"), ("unavailable", "the folder of static pods could not be listed: ?")),
        ("w1", Ran(out=f"{MANIFEST}\nall\n"), ("fail", f"the kubelet reads {MANIFEST}, too")),
        ("w1", Ran(), ("unavailable", "the folder of static pods was not listed whole")),
        ("w1", Ran(out="all\n"), ("pass", "no file but kubeadm's")),
    ],
)
def test_a_file_beside_the_static_pods_is_found(host: str, ran: Ran, expected: tuple[str, str]) -> None:
    findings = prove({listing(): ran})

    assert [each[1:3] for each in on(host, findings) if each[0] == "K8S-20"] == [expected]


def test_what_a_kubelet_reads_is_listed(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.bak", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    for name, target in {"link": "a.yaml", "nowhere": "absent", "to a folder": "folder"}.items():
        (tmp_path / name).symlink_to(target)

    printed = {
        folder: subprocess.run(
            ["sh", "-ec", listing(folder)], capture_output=True, text=True, check=True
        ).stdout
        for folder in (str(tmp_path), f"{tmp_path}/absent")
    }

    names = {Path(each).name for each in printed[str(tmp_path)].splitlines()}
    assert names == {"a.yaml", "b.bak", "link", "all"}
    assert printed[f"{tmp_path}/absent"] == "all\n"
