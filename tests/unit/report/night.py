"""One night with everything in it, which every format's test renders."""

from __future__ import annotations

from datetime import UTC, datetime

from checks.finding import Finding, Severity, Status
from checks.report import Report
from checks.report.report import row_key
from deploy.model.row import Disturbs, Row, State

STARTED = datetime(2026, 11, 30, 3, 17, 0, tzinfo=UTC)

INOTIFY = Finding(
    "HOST-08",
    "w1",
    Status.FAIL,
    found="max_user_instances 128",
    wanted=">= 1024",
    detail="/etc/sysctl.d/90-slipway.conf says 8192, a later file wins: /etc/sysctl.d/99-local.conf",
    remedy="sysctl --system",
    group="host",
)
HELD = Finding(
    "HOST-23",
    "w1",
    Status.FAIL,
    Severity.WARNING,
    found="not held: libnvidia-compute",
    remedy="apt-mark hold libnvidia-compute",
    group="host",
    ignored="until 2026-12-31: replaced in December",
)
SWAP = Finding("HOST-03", "w1", Status.PASS, found="none", wanted="none", group="host")
NVIDIA = Finding("NV-01", "w1", Status.SKIPPED, found="no NVIDIA device in the inventory", group="host")
PATH = Finding(
    "HOST-18",
    "w2",
    Status.UNAVAILABLE,
    found="ssh: timed out",
    group="host",
    because=(("HOST-00", "w2"), ("K8S-14", None)),
)
NODES = Finding("K8S-01", None, Status.PASS, found="2/2 Ready", wanted="cp1 and w1 Ready", group="kubernetes")
GONE = Finding("HOST-04", "w1", Status.FAIL, found="/swap.img in /etc/fstab", group="host")
ROW = Row(
    "baseline",
    "w1",
    "Set kernel parameters",
    State.CHANGE,
    Disturbs.NOTHING,
    diff="--- sysctl\n+++ sysctl\n@@ -1 +1 @@\n-fs.inotify.max_user_instances = 128\n"
    "+fs.inotify.max_user_instances = 8192",
    reason="the live value is 128, wanted 8192",
)
LABELS = Row(
    "nodes",
    "cp1",
    "Label and taint the nodes",
    State.CHANGE,
    diff="-tier: gold\n+tier: gpu",
    reason="w1 is not labelled as declared",
    ignored="moved in spring (until 2027-03-31)",
    of_cluster=True,
)
TITLES = {
    "HOST-03": "Swap is off",
    "HOST-04": "Swap stays off after a reboot",
    "HOST-08": "inotify limits are high enough",
    "HOST-18": "Nodes reach each other",
    "HOST-23": "Packages are held",
    "NV-01": "Kernel module and libraries agree",
    "K8S-01": "Exactly the inventory's nodes are Ready",
}

NIGHT = Report(
    verb="drift",
    cluster="homelab",
    run="20261130T031700Z-9f3a",
    started=STARTED,
    seconds=9.43,
    findings=(SWAP, INOTIFY, HELD, NVIDIA, PATH, NODES),
    titles=TITLES,
    fixable=frozenset({"HOST-08"}),
    unreachable={"w2": "w2 (10.0.0.12 port 22): no answer in time"},
    inventory_sha256="a" * 64,
    lock_sha256="b" * 64,
    rows=(ROW, LABELS),
    since={
        ("HOST-08", "w1"): datetime(2026, 11, 28, 3, 17, tzinfo=UTC),
        row_key(ROW): datetime(2026, 11, 29, 3, 17, tzinfo=UTC),
    },
    gone=(GONE,),
    last_success=datetime(2026, 11, 29, 3, 17, tzinfo=UTC),
    last_nightly=STARTED,
)
GOOD = Report(
    verb="verify",
    cluster="homelab",
    run="20261130T021700Z-0001",
    started=STARTED,
    seconds=1.2,
    findings=(NODES,),
    titles=TITLES,
    fixable=frozenset(),
)
