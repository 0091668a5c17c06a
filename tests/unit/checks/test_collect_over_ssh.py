from __future__ import annotations

from pathlib import Path

from checks.collect.collect import collect
from checks.collect.collection import parse
from checks.collect.probing import answering, probed
from checks.collect.sections import sections
from checks.finding import Status
from checks.preflight import preflight
from deploy.engine.session import Session
from deploy.engine.trouble import Cause, Trouble
from deploy.model import Cluster
from tests.unit.engine.conftest import cluster, sshd, state_home  # noqa: F401 - fixtures
from tests.unit.engine.sshd import Sshd, cluster_of

INVENTORY = Path("lab.yaml")
PROBE = Path(__file__).parents[3] / "files/preflight/probe.py"


def test_every_host_is_read_in_one_run_of_the_script(cluster: Cluster) -> None:  # noqa: F811
    with Session(cluster, INVENTORY) as session:
        collection = collect(session, ())

    assert list(collection.hosts) == ["cp1", "w1"]
    for record in collection.hosts.values():
        assert list(record.answers) == [each.name for each in sections(())]
        assert record.window.start < record.window.end
    first, second = collection.observations()
    assert first.system is not None
    assert first.system == second.system


def test_two_names_of_one_machine_are_found_to_be_clones(cluster: Cluster) -> None:  # noqa: F811
    with Session(cluster, INVENTORY) as session:
        hosts = collect(session, ()).observations()

    findings = {(each.check, each.host): each for each in preflight(cluster, hosts)}

    assert findings["HOST-00", "cp1"].status is Status.PASS
    assert findings["HOST-11", "cp1"].found.endswith("is that of w1 too")
    assert findings["HOST-11", "w1"].found.endswith("is that of cp1 too")


def test_a_host_that_does_not_answer_is_in_the_collection_with_its_cause(
    cluster: Cluster,  # noqa: F811
    sshd: Sshd,  # noqa: F811
) -> None:
    nodes = [{"name": "cp1", "address": "127.0.0.1"}, {"name": "gone", "address": "127.0.0.9"}]
    both = cluster_of(*nodes, ssh={"user": "root", "port": sshd.port, "key": str(sshd.key)})

    with Session(both, INVENTORY) as session:
        collection = collect(session, ())
    cp1, gone = collection.observations()

    assert cp1.trouble is None
    assert gone.trouble is not None
    assert gone.trouble.text == (
        f"gone (127.0.0.9 port {sshd.port}): connection refused; does sshd listen on port {sshd.port}?"
    )
    assert not gone.trouble.answers


def test_a_host_that_gives_no_root_says_what_its_user_may_know(cluster: Cluster) -> None:  # noqa: F811
    with Session(cluster, INVENTORY) as session:
        session.rootless["w1"] = session.links.pop("w1")
        session.troubles["w1"] = Trouble("w1", Cause.SUDO, "w1 gives no root")
        collection = collect(session, ())

    assert list(collection.hosts) == ["cp1", "w1"]
    _, w1 = collection.observations()
    assert w1.trouble is not None
    assert (w1.trouble.text, w1.trouble.answers) == ("w1 gives no root", True)
    assert w1.system is not None
    assert parse(collection.text(), "saved") == collection


def test_hosts_that_listen_hear_each_other(cluster: Cluster) -> None:  # noqa: F811
    with Session(cluster, INVENTORY) as session:
        hosts = probed(session, collect(session, ()).observations(), PROBE.read_text(), None)

    heard = {
        (host.host, peer, kind)
        for host in hosts
        for peer, kinds in (host.mesh or {}).items()
        for kind in ("tcp", "udp")
        if kinds[kind]
    }
    assert heard == {
        (one, other, kind) for one, other in (("cp1", "w1"), ("w1", "cp1")) for kind in ("tcp", "udp")
    }
    assert hosts[0].fsync is not None
    assert hosts[1].fsync is None, "etcd runs on control planes only"


def test_addresses_are_asked_for_only_where_there_are_some(cluster: Cluster) -> None:  # noqa: F811
    with Session(cluster, INVENTORY) as session:
        host = collect(session, ()).observations()[0]

        assert answering(session, host, [], PROBE.read_text()) is None
