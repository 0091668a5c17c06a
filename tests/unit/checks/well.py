"""Hosts on which each check passes, where `everyone()` does not show it: it drives the three-ways test."""

from __future__ import annotations

from dataclasses import replace

from checks.collect.observed import Observed
from deploy.model import Cluster
from deploy.observe.reach import Reach
from deploy.observe.remains import Remains
from deploy.observe.runtime import Runtime
from tests.unit.checks.faults import containerd, hgx, hopper, instinct
from tests.unit.checks.machines import cluster, everyone, healthy, hops, with_arcs

Case = tuple[Cluster, tuple[Observed, ...]]
MESH = {"tcp": True, "udp": True, "mtu": True}
CRI = {"io.containerd.cri.v1.runtime": {"enable_cdi": True}}
K3S = {"distribution": "k3s", "version": "v1.36.3+k3s1"}
NAMES = ("cp1", "w1", "g1")
MODEL = {
    "name": "qwen",
    "source": {"pvc": "qwen"},
    "weights": "15Gi",
    "memory": "24Gi",
    "context": 8192,
    "kv_cache": "1Gi",
    "gpus": {"vendor": "intel", "count": 2},
}


OF_THE_HUB = {**MODEL, "source": {"hub": "org/qwen", "revision": "a" * 40}, "storage_class": "fast"}
FILE = f"https://huggingface.co/org/qwen/resolve/{'a' * 40}/config.json"


def given(host: Observed, status: int) -> Observed:
    """Let the hub answer a host that asks for the model's file."""
    return replace(host, reach=Reach({"https://dl.k8s.io/": 302, FILE: status}))


def probed(host: Observed) -> Observed:
    """Let all probes find what they should."""
    mesh = {name: MESH for name in NAMES if name != host.host}
    return replace(host, active=True, mesh=mesh, fsync=(1.0,) * 100, speed=110.0, arp={})


def cases() -> tuple[Case, ...]:
    """Return clusters and their hosts, all well: bare, probed, with a runtime, of each vendor, of k3s."""
    cp1, w1, g1 = everyone()
    runtime = containerd(version=3, plugins=CRI)
    mirrored = cluster(artifacts={"mirror": "http://192.168.1.2:8080"})
    kubelet = replace(w1, remains=Remains((), (), (), None, {"kubelet": "v1.36.3"}))
    link = replace(instinct(healthy()).pci.devices[0], way=hops("1002", speed=32.0))  # type: ignore[union-attr]
    amd = replace(instinct(w1), pci=replace(instinct(w1).pci, devices=(link,)))  # type: ignore[type-var]
    two = replace(amd, pci=replace(amd.pci, devices=(link, replace(link, slot="0000:2b:00.0"))))  # type: ignore[type-var]
    templates = {"config-v3.toml.tmpl": '{{ template "base" . }}'}
    k3s = replace(w1, runtime=Runtime((2, 3, 7), True, {}, False, templates, {}))
    return (
        (cluster(), everyone()),
        (mirrored, (probed(cp1), probed(w1), probed(g1))),
        (cluster(), (runtime(cp1), runtime(w1), runtime(with_arcs()))),
        (cluster(), (cp1, kubelet, g1)),
        (cluster(), (cp1, amd, g1)),
        (cluster(), (cp1, replace(two, gpu_state=replace(two.gpu_state, kfd=2)), g1)),  # type: ignore[type-var]
        (cluster(), (cp1, hopper(w1), g1)),
        (cluster(), (cp1, hgx()(w1), g1)),
        (cluster(kubernetes=K3S), (cp1, k3s, g1)),
        (cluster(models=[MODEL]), (cp1, w1, g1)),
        (cluster(models=[OF_THE_HUB]), tuple(given(each, 200) for each in (cp1, w1, g1))),
    )
