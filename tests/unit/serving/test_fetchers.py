"""What fetches a model's files from each kind of source: run by a real shell, with made-up programs."""

from __future__ import annotations

import os
import subprocess

import pytest

from deploy import render
from tests.unit.serving.volumes import KEY, WHOLE, Volume


class Fetcher:
    """The script of one kind of source, run with a program that is made up in the place of the real one."""

    def __init__(self, volume: Volume, name: str, source: str) -> None:
        self.volume, self.name = volume, name
        self.tools = volume.path.parent / "bin"
        self.tools.mkdir()
        program = self.tools / ("rclone" if name == "s3" else "kit")
        program.write_text(f"#!/bin/sh\n{source}\n")
        program.chmod(0o755)

    def run(self, **more: str) -> subprocess.CompletedProcess[str]:
        program = render.file(f"serving/{self.name}.sh").decode()
        words = {"s3": [":s3:models/tiny", "--retries=20"], "kit": ["--plain-http"]}[self.name]
        environment = {
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "HOME": str(self.tools),
            "MODELKIT_REF": "registry.test/tiny:1",
            "PUSH": "kit push registry.test/tiny:1",
            "SOURCE": "s3://models/tiny",
            "FILES": str(self.volume.source),
            **more,
        }
        return self.volume.run("populate", "/bin/sh", "-c", program, self.name, *words, **environment)


UNKNOWN = 'GET "https://registry.test/v2/tiny/manifests/1": response status code 404'


@pytest.mark.parametrize(
    "said",
    [
        "failed to fetch registry.test/tiny:1: registry.test/tiny:1: not found",
        f'failed to read manifest: {UNKNOWN}: manifest unknown: manifest tagged by "1" is not found',
        f"{UNKNOWN}: name unknown: repository name not known to registry",
    ],
    ids=["kit", "manifest", "repository"],
)
def test_a_modelkit_that_nobody_pushed_ends_at_once_and_says_how_to(volume: Volume, said: str) -> None:
    ended = Fetcher(volume, "kit", f"echo '{said}' >&2; exit 1").run()

    push = "push it there first, then apply again: kit push registry.test/tiny:1"
    assert (ended.returncode, ended.stdout) == (65, f"{said}\n")
    assert ended.stderr == f"the registry has no registry.test/tiny:1; {push}\n"


@pytest.mark.parametrize(
    "said",
    [
        "failed to fetch registry.test/tiny:1: dial tcp: lookup registry.test: no such host",
        "exec: docker-credential-x: executable file not found in $PATH",
        "response status code 503: Service Unavailable",
        "/bin/sh: kit: not found",
    ],
)
def test_a_registry_that_does_not_answer_is_tried_again(volume: Volume, said: str) -> None:
    ended = Fetcher(volume, "kit", f"echo '{said}' >&2; exit 1").run()

    assert (ended.returncode, ended.stdout) == (1, f"{said}\n")
    assert ended.stderr == "fetching ended with 1; what came is kept, and the next try goes on from it\n"


ACCOUNT = (
    "the registry does not give registry.test/tiny:1 to this account; look at models[].source.credentials\n"
)
SIGNED = "who signed the registry's certificate is not known here; name the CA as models[].source.ca\n"
REFUSALS = {
    'GET "https://registry.test/v2/": response status code 401: unauthorized: log in first': ACCOUNT,
    "response status code 403: denied: requested access to the resource is denied": ACCOUNT,
    'HEAD "https://registry.test/v2/tiny/manifests/1": basic credential not found': ACCOUNT,
    "tls: failed to verify certificate: x509: certificate signed by unknown authority": SIGNED,
}


@pytest.mark.parametrize("said", REFUSALS)
def test_a_registry_of_others_that_refuses_ends_at_once_and_the_own_one_is_asked_again(
    volume: Volume, said: str
) -> None:
    fetcher = Fetcher(volume, "kit", f"echo '{said}' >&2; exit 1")

    others, own = fetcher.run(OTHERS="1"), fetcher.run()

    assert (others.returncode, others.stderr) == (65, REFUSALS[said])
    assert own.returncode == 1


def test_what_a_pull_that_was_killed_cannot_go_on_from_takes_no_room(volume: Volume) -> None:
    parts = '"$KITOPS_HOME/storage/ingest"'
    kit = Fetcher(volume, "kit", f"mkdir -p {parts}; cd {parts}; echo *; touch 0a1b 0a1b_123; exit 1")

    first, second = kit.run(), kit.run()

    assert (first.stdout, second.stdout) == ("*\n", "0a1b\n")


KIT = """
echo "$*" >>"$HOME/asked"
case $1 in
pull)
  for name in "$FILES"/*; do
    [ ! -e "$KITOPS_HOME/${name##*/}" ] || continue
    mkdir -p "$KITOPS_HOME" && cp "$name" "$KITOPS_HOME" && echo "pulled ${name##*/}"
    [ -e "$HOME/stays" ] || { touch "$HOME/stays"; echo "connection reset by peer"; exit 1; }
  done ;;
unpack)
  [ ! -e "$WORK/model-1.safetensors" ] || { echo "path 'model-1.safetensors' already exists"; exit 1; }
  echo half >"$WORK/model-1.safetensors"
  [ -e "$HOME/powered" ] || { touch "$HOME/powered"; exit 137; }
  cp "$KITOPS_HOME"/* "$WORK" ;;
esac
"""
"""Keeps what it pulled, loses its connection in the first pull, and is killed in the first unpacking."""


def test_a_modelkit_is_pulled_from_where_it_broke_off_and_unpacked_whole(volume: Volume) -> None:
    kit = Fetcher(volume, "kit", KIT)

    lost, killed, whole = kit.run(), kit.run(), kit.run()

    assert [each.returncode for each in (lost, killed, whole)] == [1, 1, 0]
    came = [line for each in (lost, killed) for line in each.stdout.splitlines() if "pulled" in line]
    assert came == [f"pulled {name}" for name in sorted(WHOLE)], "what had come was fetched again"
    assert whole.stdout.splitlines()[0].startswith(f"the files of {KEY} are whole: ")
    assert (volume.files / "model-1.safetensors").read_text() == "weights"
    assert sorted(each.name for each in volume.files.iterdir()) == sorted(
        [*WHOLE, ".slipway", ".slipway.version"]
    )
    work = volume.path / f".incoming-{KEY}"
    assert (kit.tools / "asked").read_text().splitlines()[-2:] == [
        "pull registry.test/tiny:1 --plain-http",
        f"unpack registry.test/tiny:1 --dir={work} --filter=model --plain-http",
    ]


def test_a_part_of_a_layer_that_is_wrong_is_not_gone_on_from(volume: Volume) -> None:
    ingest = volume.path / f".incoming-{KEY}/.kit/storage/ingest"
    said = "failed to get model layer: downloaded file hash does not match descriptor"
    broken = (
        f'mkdir -p "{ingest}" && echo half >"{ingest}/abc" && touch "{ingest}/../kept"; echo "{said}"; exit 1'
    )

    ended = Fetcher(volume, "kit", broken).run()

    assert (ended.returncode, ended.stdout) == (1, f"{said}\n")
    assert [each.name for each in ingest.parent.iterdir()] == ["kept"]


@pytest.mark.parametrize("listing", ["exit 3", "exit 0"], ids=["no bucket", "no object"])
def test_a_prefix_without_objects_ends_at_once_and_says_where_they_belong(
    volume: Volume, listing: str
) -> None:
    ended = Fetcher(volume, "s3", f"case $1 in lsf) {listing} ;; *) exit 3 ;; esac").run()

    assert ended.returncode == 65
    assert ended.stderr == (
        "no object lies under s3://models/tiny; put the model's files there, then apply again: rclone copy"
        " --s3-no-check-bucket FOLDER :s3:models/tiny/, told of the store as README.md shows\n"
    )
    assert not volume.files.exists()
    assert volume.check(MARKED="1").returncode == 1


@pytest.mark.parametrize("listing", ["exit 1", "echo config.json"], ids=["away", "there"])
def test_a_prefix_with_objects_is_copied_and_a_store_that_is_away_is_waited_for(
    volume: Volume, listing: str
) -> None:
    copies = 'for last; do :; done; echo "$*"; cp -r "$FILES/." "$last"'
    ended = Fetcher(volume, "s3", f"case $1 in lsf) {listing} ;; *) {copies} ;; esac").run()

    assert ended.returncode == 0
    work = volume.path / f".incoming-{KEY}"
    assert ended.stdout.splitlines()[0] == f"copy --retries=20 :s3:models/tiny {work}"
    assert (volume.files / "config.json").exists()
