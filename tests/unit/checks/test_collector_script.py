from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from checks.collect.observed import Window, observed
from checks.collect.script import LIMIT, Answer, Section, answers, script, whole
from checks.collect.sections import sections

MARK = "@0123456789abcdef"
SHELLS = [shell for shell in (["dash"], ["busybox", "sh"], ["bash"]) if shutil.which(shell[0])]


def run(shell: list[str], *chosen: Section, **environment: str) -> tuple[Mapping[str, Answer], str]:
    done = subprocess.run(
        [*shell, "-c", script(chosen, MARK)],
        capture_output=True,
        timeout=60,
        check=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", **environment},
    )
    text = done.stdout.decode(errors="replace")
    return answers(text, MARK), text


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_sections_answer_in_order_whatever_their_lane(shell: list[str]) -> None:
    found, text = run(
        shell,
        Section("one", "echo 1"),
        Section("slow", "sleep 0.2; echo late", slow=True),
        Section("two", "printf 2"),
        Section("other", "echo x", slow=True),
    )

    assert {name: (answer.text, answer.rc) for name, answer in found.items()} == {
        "one": ("1", 0),
        "two": ("2", 0),
        "slow": ("late", 0),
        "other": ("x", 0),
    }
    assert whole(text, MARK)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_no_section_can_spoil_another(shell: list[str]) -> None:
    found, text = run(
        shell,
        Section("hangs", "sleep 30", seconds=1),
        Section("floods", "yes | tr -d '\\n'"),
        Section("binary", "head -c 3000 /dev/urandom"),
        Section("missing", "no-such-command"),
        Section("fails", "exit 7"),
        Section("reads", "cat"),
        Section("forges", f"echo '{MARK[:-1]} fine'; echo forged"),
        Section("kills", "kill -9 $$"),
        Section("fine", "echo still here"),
    )

    failures = {name: answer.failure for name, answer in found.items()}
    assert failures == {
        "hangs": "no answer in time",
        "floods": f"the answer was longer than {LIMIT // 1024} KiB or broke off",
        "binary": None,
        "missing": "the command that reads it is not installed",
        "fails": "the command that reads it failed with 7",
        "reads": None,
        "forges": None,
        "kills": "no answer in time",
        "fine": None,
    }
    assert found["fine"].text == "still here"
    assert "\x1b" not in found["binary"].text
    assert whole(text, MARK)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_fast_sections_share_a_process_and_nothing_else(shell: list[str]) -> None:
    found, text = run(
        shell,
        Section("one", "echo $$; seen=1; IFS=x; set -f; cd /proc; said=0"),
        Section("two", "echo $$"),
        Section("ends", "exit 3"),
        Section("after", "echo ${seen:-nothing}; echo /pro*; [ $PWD = /proc ] || printf 'here it is'"),
    )

    assert found["one"].text == found["two"].text
    assert found["ends"].rc == 3
    assert found["after"] == Answer("nothing\n/proc\nhere it is", 0)
    assert whole(text, MARK)


def test_what_was_cut_off_is_not_taken_for_an_answer() -> None:
    text = f"\n{MARK} one\n1\n{MARK}/ 0\n\n{MARK} two\nhalf an ans"

    found = answers(text, MARK)

    assert {name: answer.failure for name, answer in found.items()} == {
        "one": None,
        "two": "the answer was longer than 64 KiB or broke off",
    }
    assert not whole(text, MARK)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_whole_collection_can_be_read_in_every_shell(shell: list[str]) -> None:
    found, text = run(shell, *sections(()))

    host = observed("here", found, Window(0, 1))

    assert whole(text, MARK)
    # whatever this machine is: what every Linux has was read, and what was not has a cause
    assert host.system is not None
    assert host.disks is not None
    assert host.sysctls is not None
    assert set(found) == {section.name for section in sections(())}
    assert all(getattr(host, name) is not None or host.cause(name) for name in found)


def test_a_locale_with_commas_changes_nothing() -> None:
    section = next(each for each in sections(()) if each.name == "disks")

    english, _ = run(["sh"], section)
    german, _ = run(["sh"], section, LC_ALL="de_DE.UTF-8", LANG="de_DE.UTF-8")

    assert english["disks"].rc == german["disks"].rc == 0
    assert [line.split()[0] for line in english["disks"].text.splitlines()] == [
        line.split()[0] for line in german["disks"].text.splitlines()
    ]


def test_the_script_writes_nothing(tmp_path: Path) -> None:
    text = script(sections(("http://127.0.0.1:9/",)), MARK)

    redirected = [
        line
        for line in text.splitlines()
        if any(f"> {path}" in line or f">{path}" in line for path in ("/e", "/t", "/v", "/r", "$", '"$'))
    ]
    assert redirected == []
    for writer in ("mktemp", "tee ", " mkdir", " touch ", " rm ", "modprobe -a", "sysctl -w"):
        assert writer not in text
