from __future__ import annotations

import json
from pathlib import Path

from deploy.lab import oci
from deploy.lab.recipes import Image

LAYER_DIGEST = "sha256:2b9ef2d05b1e0e0d9e3d5c7a2a2e5c3a3b7c0b6c7b7a2b7e3b7f4c7d8e9f0a1b"


def files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()
    }


def test_an_image_says_what_it_runs_and_of_which_layers_it_is(tmp_path: Path) -> None:
    layer = oci.Blob(LAYER_DIGEST, tmp_path / "layer.tar")

    assert json.loads(oci.config(Image(add={}, entrypoint=("/a",), command=("b",)), [layer])) == {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Entrypoint": ["/a"],
            "Cmd": ["b"],
        },
        "rootfs": {"type": "layers", "diff_ids": [LAYER_DIGEST]},
    }


def test_an_image_says_as_whom_and_where_it_runs(tmp_path: Path) -> None:
    image = Image(environment={"HOME": "/tmp"}, user="nobody", workdir="/data")

    assert json.loads(oci.config(image, []))["config"] == {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp"],
        "User": "nobody",
        "WorkingDir": "/data",
    }


def test_a_manifest_names_its_blobs_by_digest_and_size(tmp_path: Path) -> None:
    (tmp_path / "layer.tar").write_bytes(b"layer")
    (tmp_path / "config.json").write_bytes(b"{}")

    made = json.loads(oci.manifest(oci.blob(tmp_path / "config.json"), [oci.blob(tmp_path / "layer.tar")]))

    assert made == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "size": 2,
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": "sha256:dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85",
                "size": 5,
            }
        ],
    }


def test_a_reference_loses_its_registry_only() -> None:
    assert oci.repository("registry.k8s.io/coredns/coredns:v1.14.2") == ("coredns/coredns", "v1.14.2")
    assert oci.repository("registry.k8s.io/pause:3.10.2") == ("pause", "3.10.2")


def test_a_registry_finds_a_published_image_by_tag_and_by_digest(tmp_path: Path) -> None:
    for name in ("manifest", "config"):
        (tmp_path / name).write_text(name)
    top, part = oci.Blob("sha256:aa11", tmp_path / "manifest"), oci.Blob("sha256:bb22", tmp_path / "config")

    oci.published(tmp_path / "v2", "registry.k8s.io/pause:3", top, [part])

    assert files(tmp_path / "v2") == {
        "blobs/sha256/aa/aa11/data": "manifest",
        "blobs/sha256/bb/bb22/data": "config",
        "repositories/pause/_layers/sha256/bb22/link": "sha256:bb22",
        "repositories/pause/_manifests/revisions/sha256/aa11/link": "sha256:aa11",
        "repositories/pause/_manifests/tags/3/current/link": "sha256:aa11",
        "repositories/pause/_manifests/tags/3/index/sha256/aa11/link": "sha256:aa11",
    }


def test_a_tag_moves_to_the_image_that_was_published_last(tmp_path: Path) -> None:
    (tmp_path / "manifest").write_text("")
    for digest in ("sha256:aa11", "sha256:cc33"):
        oci.published(tmp_path / "v2", "registry.k8s.io/pause:3", oci.Blob(digest, tmp_path / "manifest"), [])

    assert files(tmp_path / "v2")["repositories/pause/_manifests/tags/3/current/link"] == "sha256:cc33"
