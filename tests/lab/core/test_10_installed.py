"""A cluster from bare hosts: verified, and left alone by every later run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.model import load_cluster
from deploy.plan import phases
from tests.lab.site import CLEAN, ROOT, Site

PYINFRA = Path(sys.executable).with_name("pyinfra")
UNITS = "containerd.service kubelet.service"


def invocations(site: Site, host: str) -> str:
    """Return systemd's ids of the units' current runs, and the control plane's container ids."""
    return site.on(
        host,
        f"systemctl show -p InvocationID {UNITS}; ctr -n k8s.io containers ls -q | sort",
    )


def test_verify_passes_every_check_from_a_pod_to_the_load_balancers_address(core: Site) -> None:
    said = core.ok("verify")

    assert "× 0" not in said
    assert "Status:" in said


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
            timeout=120,
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
    first = counts.split()[0]
    return 0 if first == "-" else int(first)


def test_the_kubeconfig_reaches_the_api_and_is_nobody_elses(core: Site) -> None:
    core.ok("kubeconfig")

    from deploy.model import paths

    path = paths.kubeconfig(core.name)
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"https://{core.lab.address('n1')}:6443" in path.read_text()


@pytest.mark.parametrize("host", ["n1", "n2"])
def test_no_join_token_and_no_admin_key_is_left_where_others_can_read_it(core: Site, host: str) -> None:
    readable = core.on(
        host,
        "find /etc/kubernetes /var/lib/slipway /run/slipway -xdev -type f -perm /044 "
        "| xargs -r grep -lE 'client-key-data|[a-z0-9]{6}[.][a-z0-9]{16}' || true",
    )

    assert readable == ""


def test_no_bootstrap_token_outlives_the_install(core: Site) -> None:
    tokens = core.on(
        "n1", "kubeadm token list --kubeconfig /etc/kubernetes/admin.conf -o json | head -c 2000"
    )

    assert "kubeadm:default-node-token" not in tokens
