"""What fetches a model's files, and what looks at them before the engine starts: run by a real shell."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from deploy import render
from deploy.steps.serving.populate import script

KEY = "0123456789ab"
WHOLE = {
    "config.json": "{}",
    "tokenizer.json": "{}",
    "model-1.safetensors": "weights",
    "model-2.safetensors": "more",
    "model.safetensors.index.json": '{"a": "model-1.safetensors", "b": "model-2.safetensors"}',
}


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


class Volume:
    """A volume, a source beside it, and who fetches from one into the other."""

    def __init__(self, path: Path) -> None:
        self.path, self.source, self.count = path / "volume", path / "source", path / "count"
        self.path.mkdir()
        lay(self.source, WHOLE)

    @property
    def files(self) -> Path:
        return self.path / KEY

    def fetch(self, command: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        copies = f'echo >>{self.count}; cp -r {self.source}/. "$WORK"'
        return self._run("populate", "sh", "-c", command or copies, **environment)

    def check(self, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return self._run("check", FOLDER=str(folder or self.files), **environment)

    def fetched(self) -> int:
        return len(self.count.read_text().splitlines()) if self.count.exists() else 0

    def _run(self, name: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        own = {"PATH": os.environ["PATH"], "KEY": KEY, "VOLUME": str(self.path), "NEED_KIB": "1"}
        return subprocess.run(
            ["/bin/sh", "-c", script(name), name, *words],
            env={**own, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


def test_files_are_fetched_once_and_lie_whole_under_their_key(volume: Volume) -> None:
    first, again = volume.fetch(), volume.fetch()

    assert (first.returncode, again.returncode, volume.fetched()) == (0, 0, 1)
    assert again.stdout == f"the files of {KEY} are there already\n"
    assert sorted(each.name for each in volume.files.iterdir()) == sorted([*WHOLE, ".slipway"])
    assert volume.check(MARKED="1").stdout == f"{volume.files} is whole\n"


def test_a_fetch_that_fails_leaves_nothing_to_be_served_and_the_next_goes_on_from_it(volume: Volume) -> None:
    failed = volume.fetch(f'cp {volume.source}/config.json "$WORK"; exit 7')

    assert failed.returncode == 1
    assert failed.stderr == "fetching ended with 7; what came is kept, and the next try goes on from it\n"
    assert not volume.files.exists()
    assert volume.check(MARKED="1").returncode == 1
    seen = volume.fetch(f'ls "$WORK"; cp -r {volume.source}/. "$WORK"')
    assert seen.stdout.splitlines()[0] == "config.json"
    assert volume.check(MARKED="1").returncode == 0


def test_an_unpacker_that_skips_what_exists_begins_with_an_empty_folder(volume: Volume) -> None:
    volume.fetch('echo half >"$WORK/model-1.safetensors"; exit 1')

    seen = volume.fetch(f'ls "$WORK"; cp -r {volume.source}/. "$WORK"', ANEW="1")

    assert "model-1.safetensors" not in seen.stdout.splitlines()
    assert (volume.files / "model-1.safetensors").read_text() == "weights"


def test_too_little_room_ends_at_once_with_the_numbers(volume: Volume) -> None:
    ended = volume.fetch(NEED_KIB=str(1 << 50))

    assert (ended.returncode, volume.fetched()) == (65, 0)
    assert ended.stderr.endswith(
        f"are free on the volume, wanted {1 << 30}.0 GiB: 2.2 times the weights; make room there, or give the"
        " model another volume\n"
    )


def test_a_disk_that_fills_while_files_come_is_said_and_nothing_of_them_is_served(
    volume: Volume, tmp_path: Path
) -> None:
    """Of a df that is made up, which has room until something was fetched; tmp's own may have any."""
    tools, source = tmp_path / "tools", volume.source
    lay(tools, {"df": f'#!/bin/sh\nls {volume.path}/.incoming-{KEY}/* >/dev/null 2>&1 && kib=9 || kib=99999\n'
                      'echo "/dev/sdb1 100000 1 $kib 1% /models"\n'}).joinpath("df").chmod(0o755)  # fmt: skip
    small = {"PATH": f"{tools}:{os.environ['PATH']}"}

    full = volume.fetch(
        f'cp {source}/config.json "$WORK"; echo "No space left on device" >&2; exit 1', **small
    )

    assert (full.returncode, full.stderr) == (
        65,
        (
            "No space left on device\n"
            "the volume is full; make room, and apply again, which goes on from what came\n"
        ),
    )
    assert not volume.files.exists()
    assert volume.check(MARKED="1").stderr.startswith(f"{volume.files} is not there;")
    assert volume.fetch().returncode == 0


def test_what_the_fetcher_calls_final_is_final(volume: Volume) -> None:
    assert volume.fetch("echo gated >&2; exit 65").returncode == 65


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("config.json", "config.json"),
        ("tokenizer.json", "a tokenizer"),
        ("model-2.safetensors", "model-2.safetensors, which model.safetensors.index.json names"),
    ],
)
def test_a_source_that_lacks_something_is_never_served(volume: Volume, missing: str, said: str) -> None:
    (volume.source / missing).unlink()

    ended = volume.fetch()

    assert (ended.returncode, ended.stderr) == (
        65,
        f"what was fetched lacks {said}; is everything in the source?\n",
    )
    assert not volume.files.exists()


def test_weights_are_wanted_unless_they_are_made_up(volume: Volume) -> None:
    for name in [name for name in WHOLE if "safetensors" in name]:
        (volume.source / name).unlink()

    assert volume.fetch().stderr == "what was fetched lacks weights; is everything in the source?\n"
    assert volume.fetch(DUMMY="1").returncode == 0


def test_a_volume_that_others_own_ends_at_once_and_says_for_whom_it_must_be_writable(volume: Volume) -> None:
    user = os.getuid()
    volume.path.rmdir()

    ended = volume.fetch()

    assert ended.returncode == 65
    assert ended.stderr.splitlines()[-1] == (
        f"the volume is not writable for user {user}; on a volume of your own, as of NFS, make it so there:"
        f" chown {user} FOLDER, or chmod o+rwx FOLDER; then apply again"
    )


def test_files_that_changed_since_they_were_fetched_are_not_served_and_fetched_again(volume: Volume) -> None:
    volume.fetch()
    (volume.files / "model-1.safetensors").write_text("w")

    assert volume.check(MARKED="1").stderr.startswith(f"the files in {volume.files} are not those that were")
    assert volume.fetch().returncode == 0
    assert (volume.files / "model-1.safetensors").read_text() == "weights"


def test_a_checksum_is_that_of_all_files(volume: Volume) -> None:
    lines = "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  ./{name}\n" for name, text in sorted(WHOLE.items())
    )
    right = f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"

    wrong = volume.fetch(CHECKSUM=f"sha256:{'0' * 64}")

    assert wrong.stderr == f"the files have the digest {right}, wanted sha256:{'0' * 64}\n"
    assert (wrong.returncode, volume.files.exists()) == (65, False)
    assert volume.fetch(CHECKSUM=right).returncode == 0


def test_files_that_somebody_else_put_there_need_no_mark(volume: Volume) -> None:
    assert volume.check(volume.source).returncode == 0
    assert volume.check(volume.source, MARKED="1").returncode == 1
    assert volume.check(volume.path / "nowhere").stderr == (
        f"{volume.path}/nowhere is not there; look at models[].source; for files that are fetched:"
        " delete the model's Job in the namespace models and apply again, which fetches them anew\n"
    )


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
        return self.volume._run("populate", "/bin/sh", "-c", program, self.name, *words, **environment)


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
