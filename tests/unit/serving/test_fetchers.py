"""What fetches a model's files from each kind of source: run by a real shell, with made-up programs."""

from __future__ import annotations

import os
import subprocess

import pytest

from deploy import render
from tests.unit.serving.volumes import KEY, Volume


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
        words = {"s3": [":s3:models/tiny", "--retries=20"], "kit": [str(self.tools / "kit")]}[self.name]
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
        "reference registry.test/tiny:1 is not present in local storage and could not be found in remote",
        f'failed to read manifest: {UNKNOWN}: manifest unknown: manifest tagged by "1" is not found',
        f"{UNKNOWN}: name unknown: repository name not known to registry",
        "stand-in for kitops-init: reference registry.test/tiny:1 could not be found in remote",
    ],
    ids=["kit", "manifest", "repository", "stand-in"],
)
def test_a_modelkit_that_nobody_pushed_ends_at_once_and_says_how_to(volume: Volume, said: str) -> None:
    ended = Fetcher(volume, "kit", f"echo '{said}' >&2; exit 1").run()

    push = "push it there first, then apply again: kit push registry.test/tiny:1"
    assert (ended.returncode, ended.stdout) == (65, f"{said}\n")
    assert ended.stderr == f"the registry has no registry.test/tiny:1; {push}\n"


@pytest.mark.parametrize(
    "said",
    [
        "unexpected error retrieving reference from remote: dial tcp: lookup registry.test: no such host",
        "exec: docker-credential-x: executable file not found in $PATH",
        "response status code 503: Service Unavailable",
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


def test_a_modelkit_is_unpacked_where_files_become_whole(volume: Volume) -> None:
    ended = Fetcher(volume, "kit", 'echo unpacking; cp -r "$FILES/." "$UNPACK_PATH"').run()

    assert (ended.returncode, ended.stdout.splitlines()[0]) == (0, "unpacking")
    assert (volume.files / "config.json").exists()


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
