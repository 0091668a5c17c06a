"""Who reaches what, tried: from a pod of another namespace, from inside a pod, and from a host."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from deploy import catalog
from deploy.model import load_cluster, paths
from tests.lab.serving.models import SERVER, got, kubectl
from tests.lab.site import Site, until

ELSEWHERE = "elsewhere"
# seconds until a node's rules are as the policies
ENFORCED = 60.0
Ask = Callable[[], bool]
PYTHON = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
# what agnhost and Python say of a connection that is refused or never answered
REFUSED = ("REFUSED", "TIMEOUT", "ConnectionRefusedError", "TimeoutError")
# of /proc/net/tcp: a socket that listens
LISTENING = "0A"


@dataclass(frozen=True)
class Pod:
    """A pod that is asked, or asks: its namespace, its address, and its host of the lab."""

    namespace: str
    name: str
    address: str
    host: str


def pod(site: Site, namespace: str, selector: str) -> Pod:
    """Return the one running pod with these labels."""
    [found] = got(site, f"--namespace={namespace}", "pods", f"--selector={selector}")["items"]
    hosts = {each["name"]: f"n{number}" for number, each in enumerate(site.data["nodes"], start=1)}
    return Pod(
        namespace, found["metadata"]["name"], found["status"]["podIP"], hosts[found["spec"]["nodeName"]]
    )


def model(site: Site, name: str = "tiny") -> Pod:
    """Return a model's one pod."""
    return pod(site, "models", SERVER.format(name))


def listening(site: Site, there: Pod) -> set[int]:
    """Return the ports that a pod listens on at more than its loopback."""
    text = kubectl(site, *_exec(there), "cat", "/proc/net/tcp", "/proc/net/tcp6")
    sockets = [line.split() for line in text.splitlines()]
    ends = [each[1].split(":") for each in sockets if len(each) > 3 and each[3] == LISTENING]
    loopback = ("0100007F", "00000000000000000000000001000000")
    return {int(port, 16) for address, port in ends if address not in loopback}


@contextmanager
def stranger(site: Site) -> Iterator[Pod]:
    """Run a pod of no account in a namespace of its own."""
    version = load_cluster(site.inventory).kubernetes.version
    image = catalog.lock.load(paths.lock_file(site.inventory)).image(f"agnhost@{version}").ref
    kubectl(site, "create", "namespace", ELSEWHERE)
    try:
        run = ("run", "stranger", f"--image={image}", "--labels=app=stranger", "--restart=Never")
        kubectl(site, f"--namespace={ELSEWHERE}", *run, "--", "pause")
        kubectl(
            site,
            f"--namespace={ELSEWHERE}",
            "wait",
            "--for=condition=Ready",
            "--timeout=120s",
            "pod/stranger",
        )
        yield pod(site, ELSEWHERE, "app=stranger")
    finally:
        kubectl(site, "delete", "namespace", ELSEWHERE)


def from_stranger(site: Site, asking: Pod, address: str, port: int) -> bool:
    """Say whether the pod of another namespace is let in."""
    return _let_in(
        site, "n1", _kubectl(site, asking, "/agnhost", "connect", "--timeout=3s", f"{address}:{port}")
    )


def from_model(site: Site, asking: Pod, address: str, port: int) -> bool:
    """Say whether a model's pod gets through."""
    return _let_in(site, "n1", _kubectl(site, asking, "python3.11", "-c", PYTHON, address, str(port)))


def from_host(site: Site, host: str, address: str, port: int) -> bool:
    """Say whether a host of the lab is let in."""
    return _let_in(site, host, shlex.join(["python3", "-c", PYTHON, address, str(port)]))


def comes_to(let_in: Mapping[str, Ask], kept_out: Mapping[str, Ask]) -> None:
    """Wait until each of these gets in and none of those: rules follow what they are made of, soon."""
    seen: dict[str, bool] = {}

    def settled() -> bool:
        seen.update((what, ask()) for what, ask in (*let_in.items(), *kept_out.items()))
        return all(seen[what] for what in let_in) and not any(seen[what] for what in kept_out)

    try:
        until(settled, ENFORCED, "the policies' effect", every=1.0)
    except AssertionError as error:
        wrong = [what for what, reached in seen.items() if reached != (what in let_in)]
        raise AssertionError(f"{error}; otherwise than wanted: {wrong}") from error


def other(site: Site, there: Pod) -> str:
    """Return a host that a pod does not run on."""
    hosts = [f"n{number}" for number, _ in enumerate(site.data["nodes"], start=1)]
    return next(host for host in hosts if host != there.host)


def _let_in(site: Site, host: str, script: str) -> bool:
    """Say whether it came to a connection; an end in any other way proves nothing."""
    done = site.lab.exec(host, ["sh", "-c", script], check=False)
    said = f"{done.stdout}{done.stderr}"
    assert done.returncode == 0 or any(word in said for word in REFUSED), f"{script}: {said}"
    return done.returncode == 0


def _kubectl(site: Site, where: Pod, *words: str) -> str:
    return shlex.join(["kubectl", *_exec(where), *words])


def _exec(where: Pod) -> list[str]:
    return [f"--namespace={where.namespace}", "exec", where.name, "--"]
