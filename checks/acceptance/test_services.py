"""The cluster's own Services answer from every host: the API's address and the name server's."""

from __future__ import annotations

from testinfra.host import Host

from checks.acceptance.check import Seen, proves
from deploy.model import Cluster

API, DNS = 1, 10  # both kubeadm and k3s give these addresses of the range to them
PATIENCE = 3  # seconds; an answer takes milliseconds
NAME = (
    "kube-dns.kube-system.svc.cluster.local"  # no label of 10 letters: bash would end a packet at that byte
)
NO_ERROR = 0


def query(name: str) -> bytes:
    """Return a DNS question for a name's A record (RFC 1035, 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x51\x17\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\x00\x00\x01\x00\x01"


def answer(hexadecimal: str) -> str:
    """Return what a DNS answer's header says: `1 answer`, or what is wrong with it."""
    head = bytes.fromhex("".join(hexadecimal.split()))
    if len(head) < 8 or head[:2] != query(NAME)[:2]:
        return "no answer"
    code, count = head[3] & 0x0F, int.from_bytes(head[6:8])
    return f"{count} answer" if code == NO_ERROR and count else f"error {code}, {count} answers"


@proves("K8S-06")
def test_coredns_answers(host: Host, cluster: Cluster, seen: Seen) -> None:
    server = str(cluster.kubernetes.service_cidr[DNS])
    octets = "".join(f"\\x{byte:02x}" for byte in query(NAME))
    ran = host.run(
        f'timeout {PATIENCE} bash -c \'exec 3<>/dev/udp/{server}/53 && printf "{octets}" >&3 '
        "&& head -c 12 <&3 | od -An -tx1'"
    )
    seen.expect(found=f"{server}: {answer(ran.stdout)}", wanted=f"{server}: 1 answer")


@proves("K8S-15")
def test_the_api_answers_by_its_service(host: Host, cluster: Cluster, seen: Seen) -> None:
    where = str(cluster.kubernetes.service_cidr[API])
    ran = host.run(f"timeout {PATIENCE} bash -c 'exec 3<>/dev/tcp/{where}/443'")
    state = (
        "connects" if ran.rc == 0 else f"does not connect: {ran.stderr.strip() or f'silence of {PATIENCE} s'}"
    )
    seen.expect(found=f"{where}:443 {state}", wanted=f"{where}:443 connects")
