"""What must hold between the values of an inventory: small rules, each yielding every mistake it sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from deploy.model.address_rules import ADDRESS_RULES
from deploy.model.certificates import CertificateProvider
from deploy.model.cluster import Cluster
from deploy.model.gpu_rules import GPU_RULES
from deploy.model.k3s import FlannelBackend
from deploy.model.k3s_rules import K3S_RULES
from deploy.model.mistake import Mistake, Place
from deploy.model.paths import OWN, state_home
from deploy.model.registry_rules import REGISTRY_RULES
from deploy.model.secret import SecretRef, absence, value
from deploy.model.serving_rules import SERVING_RULES
from deploy.model.storage_rules import STORAGE_RULES
from deploy.model.values import ProxyMode

Rule = Callable[[Cluster], Iterable[Mistake]]


def names_are_unique(cluster: Cluster) -> Iterator[Mistake]:
    """No two nodes have one name."""
    first: dict[str, int] = {}
    for index, node in enumerate(cluster.nodes):
        if node.name in first:
            other = first[node.name]
            yield Mistake(
                ("nodes", index, "name"),
                f'"{node.name}" is also the name of nodes[{other}]; give every node a name of its own',
                involves=(("nodes", other, "name"),),
            )
        first.setdefault(node.name, index)


def roles_are_given_once(cluster: Cluster) -> Iterator[Mistake]:
    """No node has a role twice."""
    for index, node in enumerate(cluster.nodes):
        for role, times in Counter(node.roles).items():
            if times > 1:
                yield Mistake(("nodes", index, "roles"), f"{role} is given {times} times; once is enough")


def control_planes_can_agree(cluster: Cluster) -> Iterator[Mistake]:
    """There is one control plane, or an odd number: etcd wants a majority."""
    count = len(cluster.control_planes)
    if count == 0:
        yield Mistake(
            ("nodes",), "no node has the role control-plane, wanted one or an odd number; give it to one"
        )
    elif count % 2 == 0:
        yield Mistake(
            ("nodes",),
            f"{count} nodes have the role control-plane, wanted an odd number: of {count} etcd members no"
            f" more may fail than of {count - 1}; make it {count - 1} or {count + 1}",
        )


def version_fits_distribution(cluster: Cluster) -> Iterator[Mistake]:
    """k3s has versions of its own."""
    kubernetes, is_k3s_version = cluster.kubernetes, "+k3s" in cluster.kubernetes.version
    involved: Place = ("kubernetes", "distribution")
    if cluster.is_k3s and not is_k3s_version:
        text = f'found "{kubernetes.version}", wanted a version of k3s such as {kubernetes.version}+k3s1'
        yield Mistake(("kubernetes", "version"), text, involves=(involved,))
    if not cluster.is_k3s and is_k3s_version:
        plain = kubernetes.version.partition("+")[0]
        text = f'found "{kubernetes.version}", wanted {plain} for kubeadm, or kubernetes.distribution: k3s'
        yield Mistake(("kubernetes", "version"), text, involves=(involved,))


def prereleases_are_asked_for(cluster: Cluster) -> Iterator[Mistake]:
    """Nobody runs a pre-release by accident."""
    version, *pre = cluster.kubernetes.version.partition("+")[0].split("-")
    if pre and not cluster.kubernetes.prerelease:
        yield Mistake(
            ("kubernetes", "version"),
            f"{'-'.join([version, *pre])} is a pre-release, which nobody supports; wanted a release, or"
            " kubernetes.prerelease: true",
            involves=(("kubernetes", "prerelease"),),
        )


def own_settings_stay_own(cluster: Cluster) -> Iterator[Mistake]:
    """What has a key of its own is not set a second time in the free part."""
    owned = {
        "kubelet": {
            "featureGates": "kubernetes.feature_gates",
            "systemReserved": "kubernetes.reserved",
            "kubeReserved": "kubernetes.reserved",
        },
        "kube_proxy": {"mode": "kubernetes.proxy_mode", "featureGates": "kubernetes.feature_gates"},
    }
    for section, keys in owned.items():
        for key, instead in keys.items():
            if key in getattr(cluster.kubernetes, section):
                yield Mistake(("kubernetes", section, key), f"has a key of its own; set {instead} instead")


def taints_are_unique(cluster: Cluster) -> Iterator[Mistake]:
    """A node has one taint per key and effect, as the API server insists."""
    for index, node in enumerate(cluster.nodes):
        seen = Counter((taint.key, taint.effect) for taint in node.taints or ())
        for (key, effect), times in seen.items():
            if times > 1:
                yield Mistake(
                    ("nodes", index, "taints"),
                    f"{key}:{effect} is given {times} times; Kubernetes takes one per key and effect",
                )


def ignored_hosts_exist(cluster: Cluster) -> Iterator[Mistake]:
    """What is ignored on a host names a host of this inventory."""
    names = [node.name for node in cluster.nodes]
    for section in ("ignore", "drift_ignore"):
        for index, ignored in enumerate(getattr(cluster, section)):
            if ignored.host is not None and ignored.host not in names:
                yield Mistake(
                    (section, index, "host"),
                    f'no node is called "{ignored.host}"; there are: {", ".join(names)}',
                    involves=(("nodes",),),
                )


def accepted_drift_is_named(cluster: Cluster) -> Iterator[Mistake]:
    """Drift is accepted by a check's id or by the plan's words for it: one of both."""
    for index, accepted in enumerate(cluster.drift_ignore):
        if (accepted.check is None) == (accepted.plan is None):
            found = "neither check nor plan" if accepted.check is None else "check and plan"
            yield Mistake(
                ("drift_ignore", index), f"found {found}, wanted one of them: a report names either"
            )


def jumps_lead_somewhere(cluster: Cluster) -> Iterator[Mistake]:
    """A node that others jump through is reached directly; naming it for all does not include itself."""
    jumping = {node.name for node in cluster.nodes if cluster.ssh_of(node).jump not in (None, node.name)}
    for index, node in enumerate(cluster.nodes):
        jump = cluster.ssh_of(node).jump
        if jump not in jumping:
            continue
        where: Place = ("nodes", index, "ssh", "jump") if node.ssh and node.ssh.jump else ("ssh", "jump")
        yield Mistake(
            where,
            f'"{jump}" is itself reached through a jump, wanted a host that is reached directly;'
            " give the jump to the other nodes only, in their own ssh",
            involves=(("nodes",), ("ssh",)),
        )


def own_authority_is_signed_with(cluster: Cluster) -> Iterator[Mistake]:
    """A CA of the operator's own is cert-manager's to sign with, and has its key already."""
    own, place = cluster.certificates.authority, ("certificates", "authority")
    if own and cluster.certificates.provider is not CertificateProvider.CERT_MANAGER:
        text = "is what cert-manager signs with; use provider: cert-manager, or leave it out"
        yield Mistake(place, text, involves=(("certificates", "provider"),))
    if own and own.key.generate:
        text = "is of a CA that is there, so it cannot be generated; use file or env"
        yield Mistake((*place, "key"), text)


def name_is_free(cluster: Cluster) -> Iterator[Mistake]:
    """A cluster's state directory is not the one of all labs."""
    if cluster.name == "labs":
        yield Mistake(("name",), f"{OWN} keeps its labs under this name; wanted another one")


RULES: tuple[Rule, ...] = (
    name_is_free,
    names_are_unique,
    roles_are_given_once,
    control_planes_can_agree,
    version_fits_distribution,
    prereleases_are_asked_for,
    own_settings_stay_own,
    taints_are_unique,
    ignored_hosts_exist,
    accepted_drift_is_named,
    jumps_lead_somewhere,
    own_authority_is_signed_with,
    *ADDRESS_RULES,
    *K3S_RULES,
    *GPU_RULES,
    *STORAGE_RULES,
    *REGISTRY_RULES,
    *SERVING_RULES,
)


def broken_rules(cluster: Cluster) -> list[Mistake]:
    """Return what every rule has to say."""
    return list(chain.from_iterable(rule(cluster) for rule in RULES))


def missing_key_files(cluster: Cluster) -> list[Mistake]:
    """Return the SSH keys that are declared and not there; this looks at the controller's disk."""
    declared: list[tuple[Place, Path | None]] = [(("ssh", "key"), cluster.ssh.key)]
    declared += [
        (("nodes", index, "ssh", "key"), node.ssh.key) for index, node in enumerate(cluster.nodes) if node.ssh
    ]
    return [
        Mistake(place, f"{key} is not a file; {_remedy(key)}")
        for place, key in declared
        if key is not None and not key.is_file()
    ]


def missing_authorities(cluster: Cluster, home: Path) -> list[Mistake]:
    """Return the declared CAs that are no PEM files; this looks at the controller's disk."""
    declared: list[tuple[Place, str | None]] = [
        (("models", index, "source", "ca"), model.source.ca) for index, model in enumerate(cluster.models)
    ]
    if own := cluster.certificates.authority:
        declared.append((("certificates", "authority", "certificate"), own.certificate))
    declared.append((("object_store", "ca"), cluster.object_store.ca if cluster.object_store else None))
    return [
        Mistake(place, f"{why}; name the certificate of the CA as a PEM file")
        for place, file in declared
        if file is not None and (why := _no_certificate(SecretRef(file=file), home))
    ]


def _no_certificate(ref: SecretRef, home: Path) -> str | None:
    if (why := absence(ref, home)) is not None:
        return why
    return None if "-----BEGIN CERTIFICATE-----" in value(ref, home) else f"{ref.file} holds no certificate"


def _remedy(key: Path) -> str:
    labs = state_home() / "labs"
    if key.is_relative_to(labs):
        lab = key.relative_to(labs).parts[0]
        return f"`{OWN} lab up{'' if lab == 'lab' else f' --name {lab}'}` makes it"
    return "name the private key that the hosts know, or make one with ssh-keygen"


def warnings(cluster: Cluster) -> list[Mistake]:
    """Return what is allowed, and likely not what is wanted."""
    found = []
    if cluster.kubernetes.proxy_mode is ProxyMode.IPVS:
        found.append(
            Mistake(
                ("kubernetes", "proxy_mode"),
                "ipvs is deprecated since Kubernetes 1.35 and will be removed; use nftables",
            )
        )
    if cluster.kubernetes.k3s.flannel_backend is FlannelBackend.NONE:
        found.append(
            Mistake(
                ("kubernetes", "k3s", "flannel_backend"),
                "nodes stay NotReady until somebody installs another CNI; slipway installs none beside k3s",
            )
        )
    return found
