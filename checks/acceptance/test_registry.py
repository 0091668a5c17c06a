"""The registry as every node has it: under which address, behind which certificate, and not for everybody."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta

from cryptography import x509
from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from deploy.model import Cluster, Distribution, Registry
from deploy.observe import authority

CERTS = {
    Distribution.KUBEADM: "/etc/containerd/certs.d",
    Distribution.K3S: "/var/lib/rancher/k3s/agent/etc/containerd/certs.d",
}
LEAST = timedelta(days=14)  # of the certificate's life: a third of it is left when an apply makes it anew
REFUSED = "401"


def registry_of(cluster: Cluster, seen: Seen) -> Registry:
    """Return the registry; without one there is nothing to look at."""
    if cluster.registry is None:
        seen.skip("no registry is declared")
        raise AssertionError
    return cluster.registry


@proves("REG-04")
def test_pulls_take_the_fast_way(host: Host, cluster: Cluster, seen: Seen) -> None:
    hostname, address = registry_of(cluster, seen).hostname, str(cluster.registry_address)
    named = host.run(f"getent hosts {shlex.quote(hostname)}").stdout.split()
    seen.expect(found=named[0] if named else f"{hostname} is unknown", wanted=address)
    path = f"{CERTS[cluster.kubernetes.distribution]}/{hostname}/hosts.toml"
    way = host.run(f"cat {shlex.quote(path)}").stdout
    straight = f"https://{address}" in way and cluster.services_ca in way
    found = "the container runtime goes there" if straight else f"{path} does not lead there"
    seen.require(straight, found=found, wanted="the container runtime goes there")


@proves("REG-05")
def test_the_registry_is_reached_trusted_and_closed(host: Host, cluster: Cluster, seen: Seen) -> None:
    hostname, address = registry_of(cluster, seen).hostname, str(cluster.registry_address)
    ask = ["curl", "-sS", "-o", "/dev/null", "--connect-timeout", "3", "-m", "10"]
    ask += ["--cacert", cluster.services_ca, "-w", "%{http_code} %{remote_ip}", f"https://{hostname}/v2/"]
    said = host.run(shlex.join(ask))
    words = said.stdout.split()
    answered = len(words) == 2 and words[0].isdigit() and int(words[0]) > 0
    found = " from ".join(words) if answered else said.stderr.strip() or f"curl ended with {said.rc}"
    seen.require(answered and words == [REFUSED, address], found=found, wanted=f"{REFUSED} from {address}")


@proves("REG-08")
def test_the_certificate_lasts(host: Host, cluster: Cluster, seen: Seen) -> None:
    hostname, address = registry_of(cluster, seen).hostname, str(cluster.registry_address)
    ask = (
        f"openssl s_client -connect {address}:443 -servername {shlex.quote(hostname)} </dev/null 2>/dev/null"
    )
    said = host.run(f"{ask} | sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p'").stdout
    try:
        served = x509.load_pem_x509_certificate(said.encode())
    except ValueError:
        seen.unread(f"{address}:443 shows no certificate (REG-05)")
        return
    names = authority.names(served)
    missing = [name for name in (hostname, address) if name not in names]
    seen.require(
        not missing, found=f"for {', '.join(sorted(names)) or 'nobody'}", wanted=f"for {hostname}, {address}"
    )
    ends = served.not_valid_after_utc
    good = ends - datetime.now(UTC) >= LEAST
    seen.require(good, found=f"ends on {ends:%Y-%m-%d}", wanted=f"{LEAST.days} days left")
