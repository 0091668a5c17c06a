"""etcd's log complains of no slow disk."""

from __future__ import annotations

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from checks.finding import Severity
from deploy.model import Cluster, Datastore

ALLOWED = 10  # a day: a backup or an upgrade makes some; a worn disk makes hundreds
LOGS = "/var/log/pods/kube-system_etcd-*/etcd/*.log"
COUNT = (
    f"ls {LOGS} >/dev/null && since=$(date -u -d '-1 day' +%FT%T) && "
    f"cat {LOGS} | awk -v since=\"$since\" '$1 > since && /slow fdatasync/ {{n++}} END {{print n + 0}}'"
)
# etcd is a part of k3s there, and logs with it
COUNT_IN_K3S = "journalctl -u k3s --since -1day --no-pager -o cat | grep -c 'slow fdatasync' || true"


@proves("HOST-26")
def test_etcds_disk_is_quick(host: Host, cluster: Cluster, seen: Seen) -> None:
    if cluster.is_k3s and cluster.kubernetes.k3s.datastore is Datastore.SQLITE:
        seen.skip("the state is in SQLite")
    ran = host.run(COUNT_IN_K3S if cluster.is_k3s else COUNT)
    if ran.rc != 0 or not ran.stdout.strip().isdigit():
        seen.unread(f"etcd's log could not be read: {ran.stderr.strip() or ran.stdout.strip()}")
    slow = int(ran.stdout)
    seen.severity = Severity.WARNING
    seen.require(slow <= ALLOWED, found=f"{slow} slow fdatasync in a day", wanted=f"<= {ALLOWED}")
