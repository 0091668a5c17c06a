"""etcd is healthy by what it says of itself, and its log complains of no slow disk."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from checks.finding import Severity
from deploy.model import Cluster, Datastore, Distribution

ALLOWED = 10  # a day: a backup or an upgrade makes some; a worn disk makes hundreds
LOGS = "/var/log/pods/kube-system_etcd-*/etcd/*.log"
# Of a log without a line of that day nothing is counted. etcd writes one whenever the API server has it
# compacted, every five minutes (kube-apiserver --etcd-compaction-interval).
COUNT = (
    f"ls {LOGS} >/dev/null && since=$(date -u -d '-1 day' +%FT%T) && "
    f'cat {LOGS} | awk -v since="$since" '
    "'$1 > since {all++; n += /slow fdatasync/} END {if (all) print n + 0}'"
)
# etcd is a part of k3s there, and logs with it
COUNT_IN_K3S = (
    "journalctl -u k3s --since -1day --no-pager -q -o cat"
    " | awk '/slow fdatasync/ {n++} END {if (NR) print n + 0}'"
)

MIB = 1 << 20
QUOTA = 2 << 30  # bytes; etcd's own where nobody gives another, and what it does not say before 3.6
FULL = 80  # percent of the quota: at all of it etcd takes no write any more
SILENT = (7, 28)  # curl: nobody listens, no answer in time
NO_KEYS = 9
# etcd's gRPC gateway: https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/. A status has the alarms among
# its errors (etcd-io/etcd server/etcdserver/api/v3rpc/maintenance.go), and asking for it writes nothing.
ASK = (
    "cd {folder} || {otherwise}; curl -sS --noproxy '*' -m 5 --cacert {ca}.crt --cert {client}.crt "
    "--key {client}.key -d '{{}}' -w '\\n' {url}/cluster/member/list {url}/maintenance/status"
)
# k3s leaves 2379 to gRPC alone (k3s-io/k3s pkg/etcd/etcd.go, listenClientHTTPURLs)
QUESTION = {
    Distribution.KUBEADM: ASK.format(
        url="https://127.0.0.1:2379/v3",
        folder="/etc/kubernetes/pki/etcd",
        otherwise="exit",
        ca="ca",
        client="healthcheck-client",
    ),
    Distribution.K3S: ASK.format(
        url="https://127.0.0.1:2382/v3",
        folder="/var/lib/rancher/k3s/server/tls/etcd",
        otherwise=f"{{ k3s --version; exit {NO_KEYS}; }}",
        ca="server-ca",
        client="client",
    ),
}


@proves("HOST-26")
def test_etcds_disk_is_quick(host: Host, cluster: Cluster, seen: Seen) -> None:
    if cluster.is_k3s and cluster.kubernetes.k3s.datastore is Datastore.SQLITE:
        seen.skip("the state is in SQLite")
    seen.severity = Severity.WARNING
    ran = host.run(COUNT_IN_K3S if cluster.is_k3s else COUNT)
    if ran.rc != 0 or not ran.stdout.strip().isdigit():
        said = ran.stderr.strip() or ran.stdout.strip() or "nothing was logged in a day"
        seen.unread(f"etcd's log could not be read: {said}")
    slow = int(ran.stdout)
    seen.require(slow <= ALLOWED, found=f"{slow} slow fdatasync in a day", wanted=f"<= {ALLOWED}")


@proves("K8S-12")
def test_etcd_is_healthy(host: Host, cluster: Cluster, seen: Seen) -> None:
    if cluster.is_k3s and cluster.kubernetes.k3s.datastore is Datastore.SQLITE:
        seen.skip("the state is in SQLite")
    ran = host.run(QUESTION[cluster.kubernetes.distribution])
    if ran.rc == NO_KEYS and "stand-in" in ran.stdout:
        seen.skip("the etcd of the k3s stand-in knows no certificates")
    seen.severity = Severity.ERROR
    if ran.rc in SILENT:
        seen.require(False, found=f"etcd does not answer: {ran.stderr.strip()}", wanted="an answer")
    try:
        members, status = (json.loads(line) for line in ran.stdout.splitlines() if line)
        there = ", ".join(sorted(_member(each) for each in members["members"]))
        size, quota = int(status["dbSize"]), int(status.get("dbSizeQuota", QUOTA)) or QUOTA
        alarms = "; ".join(str(each).strip() for each in status.get("errors") or ())
    except (ValueError, LookupError, TypeError, AttributeError):
        said = ran.stderr.strip() or ran.stdout.strip()[:200] or f"curl ended with {ran.rc}"
        seen.unread(f"etcd's state could not be read: {said}")
        return
    declared = ", ".join(sorted(str(node.address) for node in cluster.control_planes))
    seen.expect(found=f"members {there}", wanted=f"members {declared}")
    seen.require(not alarms, found=alarms or "no alarm", wanted="no alarm")
    seen.severity = None
    full = size * 100 // quota
    seen.require(full < FULL, found=f"{size // MIB} MiB, {full} % of its quota", wanted=f"< {FULL} %")


def _member(member: dict[str, Any]) -> str:
    """Return where a member is, and what keeps it from voting."""
    address = str(urlsplit(member["peerURLs"][0]).hostname)
    if not member.get("name"):
        return f"{address} (not started)"
    return f"{address} (a learner)" if member.get("isLearner") else address
