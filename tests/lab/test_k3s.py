"""k3s from bare hosts, as the lab has it: installed, verified, drifted, repaired, and refused with the cause.

What runs under k3s' name here is the k3s stand-in where k3s itself cannot be fetched; reports say so.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest
import yaml

from deploy.lab import Lab
from deploy.model import paths
from deploy.operations.k3s import START_SECONDS
from tests.lab.conftest import KEEP, running
from tests.lab.site import ROOT, Site, node

pytestmark = pytest.mark.trial

VERSION = "v1.36.3+k3s1"
UNITS = {"n1": "k3s.service", "n2": "k3s-agent.service"}
TOKEN = "/var/lib/rancher/k3s/server/token"
KUBECTL = "kubectl -n kube-system"
# a join that is refused is told before the operation's own bound, the rest of the apply included
REFUSED_WITHIN = START_SECONDS


@pytest.fixture(scope="module")
def hosts() -> Iterator[Lab]:
    yield from running("test-k3s", 23, 3, versions=(VERSION,))


@pytest.fixture(scope="module")
def k3s(hosts: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server and an agent, installed and verified; n3 is a bare host beside them."""
    data = yaml.safe_load((ROOT / "inventories/lab-k3s.yaml").read_text())
    data["name"] = "test-k3s"
    data["nodes"] = [
        node(hosts, "n1", "s1", "control-plane"),
        {**node(hosts, "n2", "a1", "worker"), "labels": {"tier": "web"}},
    ]
    data["ssh"]["key"] = str(hosts.key)
    data["artifacts"] = {"mirror": hosts.layout.mirror, "registry_mirror": hosts.layout.registry}
    data["load_balancer"]["pool"] = [f"{hosts.subnet[200]}-{hosts.subnet[219]}"]
    made = Site(hosts, "test-k3s", tmp_path_factory.mktemp("k3s"), data)
    hosts.write_lock(paths.lock_file(made.write()))
    made.trust()
    made.ok("apply", "--yes", timeout=900)
    yield made
    if KEEP not in os.environ:
        made.forget()


def runs(site: Site) -> dict[str, str]:
    """Return systemd's ids of the units' current runs."""
    return {
        host: site.on(host, f"systemctl show -p InvocationID --value {unit}") for host, unit in UNITS.items()
    }


def test_it_is_verified_and_says_what_runs_under_k3s_name(k3s: Site) -> None:
    report = json.loads(k3s.ok("verify", "-o", "json", timeout=600))

    assert report["counts"]["error"] == report["counts"]["unavailable"] == 0
    told = {each["host"]: each["found"] for each in report["findings"] if each["check"] == "K8S-13"}
    said = k3s.on("n1", "k3s --version | head -n 1").removeprefix("k3s version ")
    assert told == {"s1": f"active, {said}", "a1": f"active, {said}"}


def test_a_second_apply_changes_and_restarts_nothing(k3s: Site) -> None:
    before = runs(k3s)

    said = k3s.ok("apply", "--yes", timeout=600)

    assert "0 changes." in said
    assert runs(k3s) == before
    assert k3s.plan(code=0) == []


def test_the_token_is_in_no_unit_argument_or_world_readable_file(k3s: Site) -> None:
    secret = k3s.on("n1", f"sed 's/.*::server://' {TOKEN}")
    for host in UNITS:
        for place in (
            "systemctl cat 'k3s*'",
            "cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
            "find /etc /run/slipway /var/lib/slipway -type f -perm /044 -exec cat {} + 2>/dev/null",
        ):
            assert secret not in k3s.on(host, place, check=False), f"{host}: {place}"
    assert secret not in "".join(path.read_text() for path in paths.logs("test-k3s").glob("*.log"))


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
        ("n1", "echo '# mine' >> /var/lib/rancher/k3s/agent/etc/containerd/config.toml"),
        ("control-plane", "s1", "Run k3s", "config.toml was edited"),
    ),
    "label": (
        ("n1", f"{KUBECTL} label node a1 tier-"),
        ("nodes", "s1", "Label and taint the nodes", "tier"),
    ),
}


def test_six_drifts_are_named_on_their_hosts_and_repaired(k3s: Site) -> None:
    before = runs(k3s)
    for (host, made), _ in DRIFTS.values():
        k3s.on(host, made)

    rows = k3s.plan()

    for name, (_, (phase, host, operation, words)) in DRIFTS.items():
        found = [
            row for row in rows if (row["phase"], row["host"], row["operation"]) == (phase, host, operation)
        ]
        assert found, f"{name}: not in {[(r['phase'], r['host'], r['operation']) for r in rows]}"
        assert words in f"{found[0]['diff']}{found[0]['reason']}", name
    k3s.ok("apply", "--yes", timeout=600)
    assert k3s.plan(code=0) == []
    after = runs(k3s)
    # what k3s generated is made anew by a restart; what was put back before k3s read it needs none
    assert after["n1"] != before["n1"]
    assert after["n2"] == before["n2"]
    assert "# mine" not in k3s.on("n1", "cat /var/lib/rancher/k3s/agent/etc/containerd/config.toml")


def refused(site: Site, *words: str, limit: str | None = None) -> None:
    """Apply must fail within its bound, naming a2 and with these words."""
    started = time.monotonic()
    done = site.slipway("apply", "--yes", *(["--limit", limit] if limit else []), timeout=300)
    assert done.returncode == 3, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert time.monotonic() - started < REFUSED_WITHIN
    for word in ("a2", *words):
        assert word in " ".join(f"{done.stdout} {done.stderr}".split()), done.stdout


def test_a_join_that_is_refused_ends_with_its_cause_and_goes_on_when_that_is_gone(k3s: Site) -> None:
    k3s.data["nodes"].append(node(k3s.lab, "n3", "a2", "worker"))
    k3s.write()
    # the cluster remembers another machine under the name: seen before anything is started
    k3s.on("n1", f"{KUBECTL} create secret generic a2.node-password.k3s --from-literal=hash=another")
    refused(k3s, "the cluster remembers another machine as a2")
    k3s.on("n1", f"{KUBECTL} delete secret a2.node-password.k3s")
    # a token that the server does not accept: k3s itself would try for ever, and its unit never end
    k3s.on("n1", f"cp -p {TOKEN} {TOKEN}.kept && sed -i 's/::server:.*/::server:wrong/' {TOKEN}")
    refused(k3s, "the server does not accept the token", limit="a2")
    # a token of another CA
    k3s.on("n1", f"sed 's/^K10......../K10deadbeef/' {TOKEN}.kept > {TOKEN}")
    refused(k3s, "the token is of a cluster with another CA", limit="a2")
    k3s.on("n1", f"mv {TOKEN}.kept {TOKEN}")
    assert k3s.on("n2", "systemctl is-active k3s-agent") == "active"

    k3s.ok("apply", "--yes", timeout=600)

    assert "a2" in k3s.on("n1", "kubectl get nodes -o name")
    assert k3s.plan(code=0) == []


def test_a_key_that_k3s_would_skip_is_refused_before_any_host_is_asked(k3s: Site) -> None:
    k3s.data["kubernetes"]["k3s"]["server"]["disable-netwrok-policy"] = True
    k3s.write()

    done = k3s.slipway("apply", "--yes")

    assert done.returncode == 2
    assert "did you mean disable-network-policy?" in done.stderr
    del k3s.data["kubernetes"]["k3s"]["server"]["disable-netwrok-policy"]
    k3s.write()
