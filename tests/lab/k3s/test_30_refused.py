"""Joins that k3s refuses for ever: each ends with its cause, and the hosts beside it are done.

a3 is refused in one way after the other; a4 joins beside it. What a wrong clock does is known from k3s' words
only (tests/unit/k3s/test_start.py): the lab's hosts have one clock.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from deploy.operations.k3s import START_SECONDS
from tests.lab.k3s.runs import KUBECTL, TOKEN, runs, took
from tests.lab.site import Site, node, until

# what waiting does not mend k3s says every few seconds, and three times are believed
LASTING_SECONDS = START_SECONDS - 30
PASSWORD = "/etc/rancher/node/password"
DROP_IN = "/etc/systemd/system/k3s-agent.service.d/99-test.conf"
MINE = "/etc/rancher/k3s/config.yaml.d/99-mine.yaml"


def refused(site: Site, *words: str, limit: bool = True) -> None:
    """Apply must fail, naming a3 and with these words."""
    done = site.slipway("apply", "--yes", *(["--limit", "a3"] if limit else []))
    assert done.returncode == 3, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    said = " ".join(f"{done.stdout} {done.stderr}".split())
    for word in ("a3", *words):
        assert word in said, said


def members(site: Site) -> set[str]:
    return set(site.on("n1", "kubectl get nodes -o name").split())


@contextmanager
def broken(site: Site, host: str, fault: str, mend: str) -> Generator[None, None, None]:
    """Make a fault, and mend it whatever happens; a3's agent stops before, or it would join by itself."""
    site.on(host, fault)
    try:
        yield
    finally:
        site.on("n4", "systemctl stop k3s-agent", check=False)
        site.on(host, mend)


def test_a_host_under_a_name_of_another_is_refused_and_the_one_beside_it_joins(k3s: Site) -> None:
    before = runs(k3s)
    k3s.data["nodes"] += [node(k3s.lab, "n4", "a3", "worker"), node(k3s.lab, "n5", "a4", "worker")]
    k3s.write()
    remembered = f"{KUBECTL} create secret generic a3.node-password.k3s --from-literal=hash=another"
    with broken(k3s, "n1", remembered, f"{KUBECTL} delete secret a3.node-password.k3s"):
        # no password of its own: seen before anything is started
        refused(k3s, "the cluster remembers another machine as a3, and this one has no", limit=False)
        assert members(k3s) == {"node/s1", "node/a1", "node/a2", "node/a4"}
        assert k3s.on("n4", "systemctl is-active k3s-agent", check=False) != "active"
        # a password, and not the one: k3s itself refuses, and never ends
        k3s.on("n4", f"mkdir -p {PASSWORD.rpartition('/')[0]} && umask 077 && echo 0123456789 > {PASSWORD}")
        refused(k3s, "the cluster remembers another machine as a3. When that machine is gone for good")
        assert took(k3s, "a3", "Run k3s") < LASTING_SECONDS
        assert k3s.on("n4", "systemctl is-active k3s-agent", check=False) == "activating"
    assert runs(k3s) == before


def test_a_token_that_the_server_does_not_take_is_named(k3s: Site) -> None:
    wrong = f"cp -p {TOKEN} {TOKEN}.kept && sed -i 's/::server:.*/::server:wrong/' {TOKEN}"
    with broken(k3s, "n1", wrong, f"mv {TOKEN}.kept {TOKEN}"):
        refused(k3s, "the server does not accept the token")
        assert took(k3s, "a3", "Run k3s") < LASTING_SECONDS
    assert "node/a3" not in members(k3s)


def test_a_cluster_whose_ca_is_another_is_named(k3s: Site) -> None:
    changed = f"cp -p {TOKEN} {TOKEN}.kept && sed -i 's/^K10......../K10deadbeef/' {TOKEN}"
    with broken(k3s, "n1", changed, f"mv {TOKEN}.kept {TOKEN}"):
        refused(k3s, "the token is of a cluster with another CA")
        assert took(k3s, "a3", "Run k3s") < LASTING_SECONDS
    assert "node/a3" not in members(k3s)


def test_a_key_that_ends_an_agent_is_named(k3s: Site) -> None:
    mine = f"mkdir -p {MINE.rpartition('/')[0]} && echo 'tls-san: [mine]' > {MINE}"
    with broken(k3s, "n4", mine, f"rm {MINE}"):
        refused(k3s, "config.yaml, or a file in config.yaml.d, has a key", "-tls-san")
        assert took(k3s, "a3", "Run k3s") < LASTING_SECONDS
    assert "node/a3" not in members(k3s)


def test_an_agent_that_hangs_ends_at_the_bound_and_joins_by_itself_when_the_cause_goes(k3s: Site) -> None:
    rule = f"OUTPUT -p tcp -d {k3s.lab.address('n1')} --dport 6443 -j DROP"
    # made by the unit itself: the host reaches the server until the agent starts
    k3s.on(
        "n4", f"printf '[Service]\\nExecStartPre=iptables -I {rule}\\n' > {DROP_IN}; systemctl daemon-reload"
    )
    try:
        refused(k3s, "the server did not answer; see that it runs, and that port 6443 is open from a3")
        assert START_SECONDS - 1 < took(k3s, "a3", "Run k3s") < 2 * START_SECONDS
    finally:
        k3s.on(
            "n4", f"rm {DROP_IN}; systemctl daemon-reload; while iptables -D {rule} 2>/dev/null; do :; done"
        )

    until(lambda: "node/a3" in members(k3s), 300, "a3")


def test_when_every_cause_is_gone_nothing_is_left_to_do(k3s: Site) -> None:
    k3s.ok("apply", "--yes")

    assert members(k3s) == {"node/s1", "node/a1", "node/a2", "node/a3", "node/a4"}
    assert k3s.plan(code=0) == []


def test_a_key_that_a_server_would_skip_is_refused_before_any_host_is_asked(k3s: Site) -> None:
    options = k3s.data["kubernetes"]["k3s"]["server"]
    options["disable-netwrok-policy"] = True
    k3s.write()

    try:
        done = k3s.slipway("apply", "--yes")
    finally:
        del options["disable-netwrok-policy"]
        k3s.write()

    assert done.returncode == 2
    assert "did you mean disable-network-policy?" in done.stderr
