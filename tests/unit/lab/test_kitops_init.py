"""The stand-in for kit, run with an `oras` that copies from files."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from deploy.lab.places import FILES

SCRIPT = FILES / "images/kitops-init/kit"
KIT = "application/vnd.kitops.modelkit"
REF = "registry.test/models/tiny:v1"
ORAS = """#!/bin/sh
echo "$*" >> "$STATE/asked"
case "$1 $2" in
"version ") echo "Version:        1.3.6" ;;
"cp "*)
  [ ! -e "$STATE/error" ] || { cat "$STATE/error" >&2; exit 1; }
  mkdir -p "$KITOPS_HOME/storage/blobs/sha256" && cp "$STATE"/layer-* "$KITOPS_HOME/storage/blobs/sha256" ;;
"manifest fetch") cat "$STATE/layers" ;;
esac
"""


class Kit:
    def __init__(self, home: Path) -> None:
        self.home, self.into, self.kept = home, home / "models", home / "kept"
        (home / "bin").mkdir()
        (home / "bin/oras").write_text(ORAS)
        (home / "bin/oras").chmod(0o755)

    def holds(self, *layers: tuple[str, str, bytes]) -> None:
        lines = []
        for place, (kind, name, content) in enumerate(layers):
            with tarfile.open(self.home / f"layer-{place}", "w") as archive:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            lines.append(f"{KIT}.{kind}.v1.tar sha256:layer-{place}\n")
        (self.home / "layers").write_text("".join(lines))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.home}/bin:{os.environ['PATH']}"
        own = {"PATH": path, "STATE": str(self.home), "KITOPS_HOME": str(self.kept)}
        return subprocess.run(["bash", SCRIPT, *words], env=own, capture_output=True, text=True, check=False)

    def unpack(self) -> subprocess.CompletedProcess[str]:
        return self.run("unpack", REF, f"--dir={self.into}", "--filter=model")

    @property
    def asked(self) -> str:
        return (self.home / "asked").read_text()


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    made = Kit(tmp_path)
    made.holds(
        ("model", "model.safetensors", b"weights"),
        ("modelpart", "config.json", b"{}"),
        ("docs", "README.md", b"words"),
    )
    return made


def test_the_model_s_files_are_unpacked_from_what_was_pulled_and_it_says_what_it_is(kit: Kit) -> None:
    pulled, done = kit.run("pull", REF), kit.unpack()

    assert (pulled.returncode, pulled.stderr, done.returncode, done.stderr) == (0, "", 0, "")
    assert pulled.stdout.startswith("stand-in for kit, with oras 1.3.6\n")
    assert {path.name: path.read_text() for path in kit.into.iterdir()} == {
        "model.safetensors": "weights",
        "config.json": "{}",
    }
    assert f"cp --no-tty {REF} --to-oci-layout {kit.kept}/storage:v1\n" in kit.asked
    assert kit.asked.endswith(f" {kit.kept}/storage:v1\n")


def test_what_is_there_is_never_written_over(kit: Kit) -> None:
    kit.run("pull", REF)
    kit.into.mkdir()
    (kit.into / "config.json").write_text("mine")

    refused = kit.unpack()

    assert refused.returncode == 1
    assert refused.stderr == f"stand-in for kit: path '{kit.into}/config.json' already exists\n"
    assert (kit.into / "config.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("ref", "flags"),
    [("10.89.17.3:5000/slipway-lab/models/tiny@sha256:ab", []), (REF, ["--plain-http"])],
)
def test_a_registry_that_is_named_by_its_address_has_no_certificate(
    kit: Kit, ref: str, flags: list[str]
) -> None:
    assert kit.run("pull", ref, *flags).returncode == 0

    here = "@sha256:ab" if "@" in ref else ":v1"
    assert f"cp --from-plain-http --no-tty {ref} --to-oci-layout {kit.kept}/storage{here}\n" in kit.asked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "wanted a command, a reference and $KITOPS_HOME"),
        (["push", REF], "it does not know kit push"),
        (["pull", REF, "--concurrency=3"], "it does not know kit pull --concurrency=3"),
        (["unpack", REF, "--filter=datasets"], "it does not know kit unpack --filter=datasets"),
        (["unpack", REF, "--filter=model"], "wanted --dir and --filter=model"),
    ],
)
def test_what_it_cannot_do_is_refused(kit: Kit, words: list[str], said: str) -> None:
    done = kit.run(*words)

    assert (done.returncode, done.stderr) == (1, f"stand-in for kit: {said}\n")


def test_what_is_no_modelkit_or_has_no_model_is_refused(kit: Kit) -> None:
    kit.run("pull", REF)
    (kit.home / "layers").write_text("application/vnd.oci.image.layer.v1.tar sha256:layer-0\n")

    assert kit.unpack().stderr == (
        f"stand-in for kit: {REF} has a layer of type application/vnd.oci.image.layer.v1.tar:"
        " it is no ModelKit\n"
    )
    (kit.home / "layers").write_text(f"{KIT}.docs.v1.tar sha256:layer-2\n")
    assert kit.unpack().stderr == f"stand-in for kit: {REF} has nothing of a model\n"


@pytest.mark.parametrize(
    ("error", "more"),
    [
        (
            f'Error from source registry for "{REF}": {REF}: not found\n',
            f"stand-in for kit: failed to fetch {REF}: {REF}: not found\n",
        ),
        ("Error: dial tcp: lookup registry.test: no such host\n", ""),
    ],
)
def test_a_modelkit_that_is_not_there_is_told_from_a_registry_that_is_not(
    kit: Kit, error: str, more: str
) -> None:
    (kit.home / "error").write_text(error)

    done = kit.run("pull", REF)

    assert (done.returncode, done.stderr) == (1, error + more)
