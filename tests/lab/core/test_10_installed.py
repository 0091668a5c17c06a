"""A cluster from bare hosts: verified, and left alone by every later run."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.model import load_cluster, paths
from deploy.plan import phases
from tests.lab.site import CLEAN, KUBECTL, ROOT, Site, of_the_machine, until

PYINFRA = Path(sys.executable).with_name("pyinfra")
# nodes Ready and of the declared version, pods across nodes, names, Services, the address from outside
PROVEN = {"K8S-01", "K8S-13", "HOST-18", "K8S-06", "K8S-15", "K8S-16", "LB-04"}


def invocation(site: Site, host: str, unit: str) -> str:
    """Return systemd's id of a unit's current run."""
    found = site.on(host, f"systemctl show -p InvocationID --value {unit}")
    assert found, f"{unit} does not run on {host}"
    return found


def invocations(site: Site, host: str) -> dict[str, str]:
    """Return the ids of the current runs of what slipway keeps running."""
    return {unit: invocation(site, host, unit) for unit in ("containerd", "kubelet")}


def test_verify_passes_every_check_from_a_pod_to_the_load_balancers_address(core: Site) -> None:
    report = json.loads(core.ok("verify", "-o", "json"))

    ends: dict[str, set[str]] = {}
    for finding in report["findings"]:
        if not of_the_machine(finding):
            ends.setdefault(finding["check"], set()).add(finding["status"])
    assert not {"fail", "unavailable"} & set().union(*ends.values())
    assert {check for check, found in ends.items() if found == {"pass"}} >= PROVEN


def test_plain_pytest_proves_the_same_of_hosts_over_connections_of_its_own(core: Site) -> None:
    config = core.directory / "ssh_config"
    known, key = paths.known_hosts(core.name), core.lab.key
    config.write_text(f"Host *\n  UserKnownHostsFile {known}\n  IdentityFile {key}\n")
    hosts = ",".join(f"ssh://root@{node['address']}" for node in core.data["nodes"])
    options = ["--inventory", core.inventory, "--hosts", hosts, "--ssh-config", config, "-rA"]
    # plain pytest knows no warnings: how slow a disk is has to be left out
    options += ["--deselect", "checks/acceptance/test_etcd.py::test_etcds_disk_is_quick"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "checks/acceptance", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    for node in core.data["nodes"]:
        for name in ("test_packets_are_forwarded", "test_the_kubelet_runs"):
            assert f"::{name}[ssh://{node['address']}]" in done.stdout


def test_a_second_apply_changes_and_restarts_nothing(core: Site) -> None:
    before = {host: invocations(core, host) for host in ("n1", "n2")}

    said = core.ok("apply", "--yes")

    assert "0 changes." in said
    assert {host: invocations(core, host) for host in ("n1", "n2")} == before


def test_a_plan_right_after_apply_is_empty(core: Site) -> None:
    assert core.plan(code=0) == []


def test_every_step_runs_through_plain_pyinfra_and_changes_nothing(core: Site) -> None:
    inventory = core.directory / "plain.py"
    inventory.write_text(
        "from pathlib import Path\n"
        "from deploy.pyinfra_inventory import groups\n"
        f"control_planes, workers = groups(Path({str(core.inventory)!r}))\n"
    )
    for phase in phases(load_cluster(core.inventory)):
        done = subprocess.run(
            [PYINFRA, "-y", inventory, phase.step],
            capture_output=True,
            text=True,
            timeout=600,
            cwd=ROOT,
            env=os.environ | CLEAN,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{phase.step}\n{said}"
        assert changed(said) == 0, f"{phase.step}\n{said}"


def changed(said: str) -> int:
    """Return how many operations pyinfra's closing table counts as changed."""
    [totals] = [line for line in said.splitlines() if "Grand total" in line]
    _, _, counts = totals.partition("Grand total")
    _, succeeded, *_ = counts.split()
    return 0 if succeeded == "-" else int(succeeded)


def test_the_kubeconfig_reaches_the_api_and_is_nobody_elses(core: Site) -> None:
    core.ok("kubeconfig")

    path = paths.kubeconfig(core.name)
    assert path.stat().st_mode & 0o777 == 0o600
    assert asked(yaml.safe_load(path.read_text()), "/api/v1/nodes", core.directory) == {"cp1", "w1"}


def asked(config: dict[str, Any], path: str, directory: Path) -> set[str]:
    """Ask the API with what a kubeconfig holds; return the names of what it lists."""
    [cluster], [user] = config["clusters"], config["users"]

    def plain(data: str) -> bytes:
        return base64.b64decode(data)

    context = ssl.create_default_context(
        cadata=plain(cluster["cluster"]["certificate-authority-data"]).decode()
    )
    pair = directory / "admin.pem"
    pair.write_bytes(plain(user["user"]["client-certificate-data"]) + plain(user["user"]["client-key-data"]))
    context.load_cert_chain(pair)
    with urllib.request.urlopen(cluster["cluster"]["server"] + path, timeout=10, context=context) as answer:
        return {each["metadata"]["name"] for each in json.load(answer)["items"]}


@pytest.mark.parametrize("host", ["n1", "n2"])
def test_no_join_token_and_no_admin_key_is_left_where_others_can_read_it(core: Site, host: str) -> None:
    readable = core.on(
        host,
        "find /etc/kubernetes /var/lib/slipway /run/slipway -xdev -type f -perm /044 "
        "| xargs -r grep -lE 'client-key-data|[a-z0-9]{6}[.][a-z0-9]{16}' || true",
    )

    assert readable == ""


def test_no_bootstrap_token_outlives_the_install(core: Site) -> None:
    tokens = (
        f"{KUBECTL} -n kube-system get secrets -o json --field-selector type=bootstrap.kubernetes.io/token"
    )

    until(lambda: usable(core.on("n1", tokens)) == [], 90, "the end of the last token", every=2)


def usable(secrets: str) -> list[str]:
    """Return the tokens that can still be used."""
    now = datetime.now(UTC)
    return [
        each["metadata"]["name"]
        for each in json.loads(secrets)["items"]
        if datetime.fromisoformat(base64.b64decode(each["data"]["expiration"]).decode()) > now
    ]
