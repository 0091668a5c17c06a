"""The lab's k3s: its own release, or a stand-in under its name where that cannot be fetched.

files/lab/k3s is its source; README.md there says what is as with k3s and what is not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from deploy.catalog import FileEntry, ImageEntry, k3s
from deploy.catalog.k3s_flags import FLAGS
from deploy.lab import gomodule
from deploy.lab.k3s import ipset
from deploy.lab.k3s.images import archive
from deploy.lab.k3s.pack import packed
from deploy.lab.places import FILES
from deploy.lab.recipes import KUBERNETES, Module
from deploy.lab.run import run
from deploy.lab.store import kept, key_of, sha256

if TYPE_CHECKING:
    from deploy.lab.workshop import Workshop

SOURCE = FILES / "k3s"
COMPONENTS = "lab.slipway/k3s-components"
# program inside -> MODULE/BINARY of the recipes
PROGRAMS = {
    "containerd": "containerd/containerd",
    "containerd-shim-runc-v2": "containerd/containerd-shim-runc-v2",
    "ctr": "containerd/ctr",
    "etcd": "etcd/etcd",
    "flanneld": "flannel/flanneld",
    "netpol": "k3s-netpol/netpol",
    "runc": "runc/runc",
}
PLUGINS = {
    **{name: f"cni-plugins/{name}" for name in ("bridge", "host-local", "loopback", "portmap")},
    "flannel": "flannel-cni-plugin/flannel",
}
# the images that the stand-in runs, under k3s' names for them (k3s-io/k3s manifests, scripts/airgap)
IMAGES = {
    "pause": "docker.io/rancher/mirrored-pause:3.6",
    "coredns": "docker.io/rancher/mirrored-coredns-coredns:1.14.2",
}


def is_version(version: str) -> bool:
    """Say whether a version is one of k3s."""
    return "+k3s" in version


def plain(version: str) -> str:
    """Return the version of Kubernetes in a version of k3s: v1.36.3 of v1.36.3+k3s1."""
    return version.partition("+")[0]


def made(workshop: Workshop, entry: FileEntry) -> Path:
    """Return one of k3s' files as the lab has it: the executable, or the archive of images."""
    return workshop.k3s_release(entry.version, entry.arch).get(entry.key) or stand_in(workshop, entry)


def stand_in(workshop: Workshop, entry: FileEntry) -> Path:
    """Return what takes the place of one of k3s' files."""
    build = _images if entry.key == k3s.key(k3s.IMAGES, entry.version) else _executable
    return build(workshop, entry.version)


def _executable(workshop: Workshop, version: str) -> Path:
    front, components = _front(workshop), _components(workshop, version)
    programs = {f"bin/{name}": workshop.binary(what, version) for name, what in PROGRAMS.items()}
    programs["bin/kubernetes"] = components
    programs |= {f"cni/{name}": workshop.binary(what, version) for name, what in PLUGINS.items()}
    programs |= {f"bin/aux/{name}": path for name, path in ipset.bundled(workshop.layer("network")).items()}
    texts = {f"manifests/{path.name}": path for path in sorted((SOURCE / "manifests").iterdir())}
    texts["flags.yaml"] = FLAGS
    made_of: dict[str, JsonValue] = {name: path.parent.name for name, path in programs.items()}
    made_of |= {name: sha256(path) for name, path in texts.items()}
    key = key_of(version, front.parent.name, made_of)

    def make(folder: Path) -> None:
        with workshop.progress.item(f"k3s stand-in {version}"):
            packed(folder / "k3s", front, version, programs, texts)

    return kept("file-k3s", key, make) / "k3s"


def _front(workshop: Workshop) -> Path:
    """Return the program in front, which the archive of all the others is appended to."""
    sources = sorted([*SOURCE.glob("*.go"), SOURCE / "go.mod", SOURCE / "go.sum"])
    flags: list[JsonValue] = ["-trimpath", "-ldflags=-s -w"]

    def make(folder: Path) -> None:
        with workshop.progress.item("k3s stand-in"):
            command = [workshop.go, "build", *map(str, flags), "-o", str(folder / "k3s"), "."]
            run(command, cwd=SOURCE, env=gomodule.environment(workshop.recipes.modules[KUBERNETES]))

    digests: dict[str, JsonValue] = {path.name: sha256(path) for path in sources}
    return kept("built-k3s-front", key_of(workshop.recipes.go, flags, digests), make) / "k3s"


def _components(workshop: Workshop, version: str) -> Path:
    """Return Kubernetes' commands in one executable that says the version of k3s."""
    module: Module = workshop.recipes.modules[KUBERNETES].of(plain(version))
    module = module.model_copy(
        update={
            "commands": {"kubernetes": COMPONENTS},
            "stubs": {COMPONENTS: COMPONENTS.rpartition("/")[2]},
            "variables": {**module.variables, "k8s.io/component-base/version.gitVersion": version},
        }
    )
    recipes = workshop.recipes
    return gomodule.built("k3s-components", module, workshop.go, recipes.go, workshop.progress) / "kubernetes"


def _images(workshop: Workshop, version: str) -> Path:
    made = [
        workshop.image(ImageEntry(f"{name}@{version}", ref), plain(version)) for name, ref in IMAGES.items()
    ]
    named: dict[str, JsonValue] = {image.entry.ref: image.manifest.digest for image in made}
    key = key_of(named)

    def make(folder: Path) -> None:
        archive(folder / "images.tar.gz", made)

    return kept("file-k3s-images", key, make) / "images.tar.gz"
