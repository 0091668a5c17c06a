"""What the probe's answers prove, node by node: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from checks.acceptance.pods import Front, Pod
from checks.acceptance.probe import HTTP, NAME, SERVICE_TRIES, UDP, Question, Said
from checks.finding import Finding
from checks.say import judged, skipped, unread

NOBODY = Said(errors=("the node was not asked",))


def questions(pods: Mapping[str, Pod], mine: str, front: Front, where: str) -> list[Question]:
    """Return what the pod of a node asks: every other pod, the Service by its address, and by its name."""
    others = [pod for name, pod in pods.items() if name != mine]
    return [
        *(Question(f"tcp {pod.node}", pod.address, HTTP) for pod in others),
        *(Question(f"udp {pod.node}", pod.address, UDP, "udp") for pod in others),
        Question("service", front.cluster_ip, 80, tries=SERVICE_TRIES),
        Question("name", f"{NAME}.{where}.svc", 80),
    ]


def paths(
    pods: Mapping[str, Pod], said: Mapping[str, Mapping[str, Said]], *, alone: bool
) -> Iterator[Finding]:
    """From every node's pod every other node's pod answers, over TCP and UDP; one node may be `alone`."""
    for mine in pods:
        others = [name for name in pods if name != mine]
        if not others:
            say = skipped if alone else unread
            yield say("HOST-18", mine, "the only node" if alone else "no other node has a pod of the probe")
            continue
        lost = {
            f"{protocol} to {name}": said[mine].get(f"{protocol} {name}", NOBODY)
            for name in others
            for protocol in ("tcp", "udp")
            if not _from(said[mine].get(f"{protocol} {name}", NOBODY), pods[name])
        }
        wanted = 2 * len(others)
        yield judged(
            "HOST-18",
            mine,
            not lost,
            found=f"{wanted - len(lost)}/{wanted} paths to the pods of {', '.join(others)}",
            wanted=f"{wanted}/{wanted} by TCP and UDP",
            detail="\n".join(f"{name}: {_words(answer)}" for name, answer in lost.items()),
        )


def _from(answer: Said, pod: Pod) -> bool:
    return answer.good and set(answer.responses) == {pod.name}


def services(pods: Mapping[str, Pod], said: Mapping[str, Mapping[str, Said]]) -> Iterator[Finding]:
    """A Service answers from every node, each time."""
    for mine in pods:
        answer = said[mine].get("service", NOBODY)
        yield judged(
            "K8S-15",
            mine,
            answer.good,
            found=f"{len(answer.responses)}/{SERVICE_TRIES} answers, from {len({*answer.responses})} pods",
            wanted=f"{SERVICE_TRIES}/{SERVICE_TRIES}",
            detail="" if answer.good else _words(answer),
        )


def lookups(pods: Mapping[str, Pod], said: Mapping[str, Mapping[str, Said]]) -> Iterator[Finding]:
    """A name of the cluster is found from every node; a Service that does not answer says nothing of it."""
    for mine in pods:
        answer = said[mine].get("name", NOBODY)
        if answer.good:
            yield judged(
                "K8S-06", mine, True, found="the Service's name leads to it", wanted="an answer by name"
            )
        elif any("lookup" in error for error in answer.errors) or said[mine].get("service", NOBODY).good:
            yield judged("K8S-06", mine, False, found=_words(answer), wanted="an answer by name")
        else:
            yield unread("K8S-06", mine, "the Service does not answer by its address either (K8S-15)")


def images(pods: Mapping[str, Pod], nodes: Sequence[str], digest: str, by: str) -> Iterator[Finding]:
    """Every node pulled the image in the declared way and got the locked digest."""
    for name in nodes:
        pod = pods.get(name)
        if pod is not None and pod.digest:
            found = f"{_short(pod.digest)} {by}"
            yield judged("RT-12", name, pod.digest == digest, found=found, wanted=f"{_short(digest)} {by}")
        elif pod is not None and pod.unpulled:
            yield judged("RT-12", name, False, found=str(pod.why), wanted=f"{_short(digest)} {by}")
        else:
            yield unread("RT-12", name, "no pod of the probe was there" if pod is None else str(pod.why))


def _short(digest: str) -> str:
    """Return as much of a digest as tells two apart on a screen."""
    return digest[: len("sha256:") + 12]


def without_pod(node: str, why: str) -> Iterator[Finding]:
    """A node without a probe pod proves nothing."""
    for check in ("HOST-18", "K8S-15", "K8S-06"):
        yield unread(check, node, f"no pod of the probe runs there: {why}")


def node_port(node: str, where: str, said: Said, names: set[str]) -> Finding:
    """A NodePort answers on a node's address, with one of our pods' names."""
    return judged(
        "K8S-16", node, _one_of(said, names), found=_told(said, where), wanted=f"an answer on {where}"
    )


def balancer(where: str, said: Said, names: set[str]) -> Finding:
    """The balancer's address answers, asked from outside of the cluster."""
    return judged(
        "LB-04",
        None,
        _one_of(said, names),
        found=_told(said, where),
        wanted="an answer from outside of the cluster",
    )


def _one_of(said: Said, names: set[str]) -> bool:
    return said.good and {*said.responses} <= names


def _told(said: Said, where: str) -> str:
    return f"{said.responses[0]} answered on {where}" if said.responses else f"{where}: {_words(said)}"


def _words(said: Said) -> str:
    return "; ".join(said.errors or said.responses) or "no answer"
