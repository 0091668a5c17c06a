"""The k3s stand-in enforces NetworkPolicies as k3s does: unless a server is told not to.

The last of these: after several restarts of a server, what watches the API waits for up to a minute
(reflectors of client-go), and CoreDNS and MetalLB know nothing yet of what a verify makes.
"""

from __future__ import annotations

import pytest

from tests.lab.k3s.runs import UNITS
from tests.lab.site import Site

MINE = "/etc/rancher/k3s/config.yaml.d/99-mine.yaml"


def enforcing(site: Site) -> set[str]:
    """Return the hosts whose k3s, as it runs now, has started what enforces policies."""
    return {
        host
        for host, unit in UNITS.items()
        if site.on(
            host,
            "journalctl --output=cat"
            f" _SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value {unit})"
            " | grep -o 'Running netpol' || true",
        )
    }


def test_policies_are_enforced_unless_a_server_is_told_otherwise_and_agents_learn_it_at_a_start(
    k3s: Site,
) -> None:
    if "stand-in" not in k3s.on("n1", "k3s --version"):
        pytest.skip("k3s itself runs here")
    assert enforcing(k3s) == {"n1", "n2", "n3"}

    k3s.on("n1", f"mkdir -p {MINE.rpartition('/')[0]} && echo 'disable-network-policy: true' > {MINE}")
    try:
        k3s.on("n1", f"systemctl restart {UNITS['n1']}")
        k3s.on("n2", f"systemctl restart {UNITS['n2']}")
        assert enforcing(k3s) == {"n3"}
    finally:
        k3s.on("n1", f"rm {MINE} && systemctl restart {UNITS['n1']}")
        k3s.on("n2", f"systemctl restart {UNITS['n2']}")

    assert enforcing(k3s) == {"n1", "n2", "n3"}
