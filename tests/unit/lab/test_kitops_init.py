"""The stand-in for kitops-init, run with an `oras` that answers from files."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from deploy.lab.places import FILES

SCRIPT = FILES / "images/kitops-init/entrypoint.sh"
KIT = "application/vnd.kitops.modelkit"
REF = "registry.test/models/tiny:v1"
ORAS = """#!/bin/sh
echo "$*" >> "$STATE/asked"
case "$1 $2" in
"version ") echo "Version:        1.3.6" ;;
"manifest fetch") cat "$STATE/layers" 2>/dev/null || { cat "$STATE/error" >&2; exit 1; } ;;
"blob fetch") for last; do :; done; cat "$STATE/${last##*@}" ;;
esac
"""


class Kit:
    def __init__(self, home: Path) -> None:
        self.home, self.into = home, home / "models"
        (home / "bin").mkdir()
        (home / "bin/oras").write_text(ORAS)
        (home / "bin/oras").chmod(0o755)

    def holds(self, **layers: tuple[str, str, bytes]) -> None:
        lines = []
        for digest, (kind, name, content) in layers.items():
            with tarfile.open(self.home / digest, "w") as archive:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            lines.append(f"{KIT}.{kind}.v1.tar {digest}\n")
        (self.home / "layers").write_text("".join(lines))

    def run(self, ref: str = REF, **more: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.home}/bin:{os.environ['PATH']}"
        own = {"PATH": path, "STATE": str(self.home), "UNPACK_PATH": str(self.into), "MODELKIT_REF": ref}
        return subprocess.run(
            ["bash", SCRIPT], env={**own, **more}, capture_output=True, text=True, check=False
        )

    @property
    def asked(self) -> str:
        return (self.home / "asked").read_text()


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    made = Kit(tmp_path)
    made.holds(
        d1=("model", "model.safetensors", b"weights"),
        d2=("modelpart", "config.json", b"{}"),
        d3=("docs", "README.md", b"words"),
    )
    return made


def test_the_model_s_files_are_unpacked_and_it_says_what_it_is(kit: Kit) -> None:
    done = kit.run()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("stand-in for kitops-init, with oras 1.3.6\n")
    assert {path.name: path.read_text() for path in kit.into.iterdir()} == {
        "model.safetensors": "weights",
        "config.json": "{}",
    }
    assert "blob fetch --output - registry.test/models/tiny@d1" in kit.asked
    assert "--plain-http" not in kit.asked


def test_what_is_there_stays_by_default_and_is_replaced_or_refused_when_asked(kit: Kit) -> None:
    kit.into.mkdir()
    (kit.into / "config.json").write_text("mine")

    assert kit.run().returncode == 0
    assert (kit.into / "config.json").read_text() == "mine"
    refused = kit.run(EXTRA_FLAGS="--tls-verify=false")
    there = f"{kit.into}/model.safetensors exists; --ignore-existing keeps it, --overwrite replaces it"
    assert (refused.returncode, refused.stderr) == (1, f"stand-in for kitops-init: {there}\n")
    assert kit.run(EXTRA_FLAGS="-o").returncode == 0
    assert (kit.into / "config.json").read_text() == "{}"


def test_a_registry_that_is_named_by_its_address_has_no_certificate(kit: Kit) -> None:
    assert kit.run("10.89.17.3:5000/slipway-lab/models/tiny@sha256:ab").returncode == 0

    assert "manifest fetch --plain-http" in kit.asked
    assert "blob fetch --plain-http --output - 10.89.17.3:5000/slipway-lab/models/tiny@d1" in kit.asked


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"MODELKIT_REF": ""}, "Environment variable $MODELKIT_REF is required"),
        ({"COSIGN_KEY": "/key"}, "it cannot verify signatures"),
        ({"EXTRA_FLAGS": "--concurrency=3"}, "it does not know the flag --concurrency=3 of kit unpack"),
        ({"UNPACK_FILTER": "datasets"}, "registry.test/models/tiny:v1 has nothing of datasets"),
    ],
)
def test_what_it_cannot_do_is_refused(kit: Kit, more: dict[str, str], said: str) -> None:
    done = kit.run(**{"ref": more.pop("MODELKIT_REF")} if "MODELKIT_REF" in more else {}, **more)

    assert (done.returncode, done.stderr) == (1, f"stand-in for kitops-init: {said}\n")


def test_what_is_no_modelkit_is_refused(kit: Kit) -> None:
    (kit.home / "layers").write_text("application/vnd.oci.image.layer.v1.tar d1\n")

    assert kit.run().stderr == (
        "stand-in for kitops-init: registry.test/models/tiny:v1 has a layer of type "
        "application/vnd.oci.image.layer.v1.tar: it is no ModelKit\n"
    )


@pytest.mark.parametrize(
    ("error", "more"),
    [
        (
            f'Error: failed to fetch the content of "{REF}": {REF}: not found\n',
            f"stand-in for kitops-init: reference {REF} could not be found in remote\n",
        ),
        ("Error: dial tcp: lookup registry.test: no such host\n", ""),
    ],
)
def test_a_modelkit_that_is_not_there_is_told_from_a_registry_that_is_not(
    kit: Kit, error: str, more: str
) -> None:
    (kit.home / "layers").unlink()
    (kit.home / "error").write_text(error)

    done = kit.run()

    assert (done.returncode, done.stderr) == (1, error + more)
