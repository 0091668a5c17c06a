"""What hosts print is read without a crash, whatever it is, and nothing unread is taken for good."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.observe import artifacts, files, hostname, identity, modules, packages, swap, sysctl, units

TAGS = """
end end-of-files end-of-unit end-of-artifacts live set fstab unit kernel module readable identity now stat
file stamp hosts dpkg written ActiveEnterTimestamp = : / W10=
"""
WORDS = st.sampled_from([*TAGS.split(), "\t", "  ", "a" * 64])
GARBAGE = st.lists(st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=6).map(" ".join), max_size=8)
OF_LINES: list[Callable[[list[str]], Any]] = [
    files.parse, files.parse_digests, files.parse_contents, artifacts.parse, units.parse, units.parse_age
]  # fmt: skip
OF_TEXT: list[Callable[[str], Any]] = [
    hostname.parse, modules.parse, packages.parse, swap.parse, sysctl.parse
]  # fmt: skip


@pytest.mark.parametrize("parse", OF_LINES, ids=lambda parse: f"{parse.__module__}.{parse.__name__}")
@given(lines=GARBAGE)
def test_garbage_lines_are_read_or_unread_but_never_crash(
    parse: Callable[[list[str]], Any], lines: list[str]
) -> None:
    parse(lines)


@pytest.mark.parametrize("parse", OF_TEXT, ids=lambda parse: parse.__module__)
@given(lines=GARBAGE)
def test_garbage_text_is_read_or_unread_but_never_crashes(
    parse: Callable[[str], Any], lines: list[str]
) -> None:
    parse("\n".join(lines))


@given(lines=GARBAGE)
def test_a_garbled_identity_is_never_taken_for_a_free_host(lines: list[str]) -> None:
    text = "\n".join([*lines, "identity ?", "end"])

    with pytest.raises(identity.UnreadableIdentityError):
        identity.parse(text)


@pytest.mark.parametrize("parse", OF_LINES, ids=lambda parse: f"{parse.__module__}.{parse.__name__}")
def test_no_lines_at_all_are_unread(parse: Callable[[list[str]], Any]) -> None:
    assert parse([]) is None


@pytest.mark.parametrize("parse", OF_TEXT, ids=lambda parse: parse.__module__)
def test_no_text_at_all_is_unread(parse: Callable[[str], Any]) -> None:
    assert parse("") is None


def shell(script: str) -> str:
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


def test_files_are_read_as_they_are_on_this_machine(tmp_path: Path) -> None:
    plain, link, folder = tmp_path / "it's plain", tmp_path / "link", tmp_path / "folder"
    plain.write_bytes(b"one\n")
    plain.chmod(0o640)
    link.symlink_to(plain)
    folder.mkdir()
    paths = [str(path) for path in (plain, link, folder, tmp_path / "missing")]

    found = files.parse(shell(files.command(paths)).splitlines())
    contents = files.parse_contents(shell(files.contents_command(paths[:1])).splitlines())

    assert found is not None
    digest = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
    assert {path: (what.kind, what.sha256) for path, what in found.items()} == {
        str(plain): (files.Kind.FILE, digest),
        str(link): (files.Kind.LINK, digest),
        str(folder): (files.Kind.DIRECTORY, None),
    }
    assert found[str(plain)].mode == "0640"
    assert contents == {str(plain): b"one\n"}


def test_a_record_of_inputs_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "RECORDS", str(tmp_path))
    config, missing = tmp_path / "x.conf", tmp_path / "optional.env"
    config.write_bytes(b"one\n")
    inputs = [str(config), str(missing)]
    systemd = (
        "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nNeedDaemonReload=no\n"
    )

    shell(units.record_command("x.service", inputs))
    before = units.parse((systemd + shell(units.command("x.service", inputs))).splitlines())
    config.write_bytes(b"two\n")
    after = units.parse((systemd + shell(units.command("x.service", inputs))).splitlines())

    assert before is not None
    assert after is not None
    digest = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
    assert (before.recorded, before.unchanged) == ({str(config): digest}, {str(config)})
    assert (after.recorded, after.unchanged) == ({str(config): digest}, frozenset())


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/100.forwarding", "/proc/sys/net/ipv4/conf/eth0.100/forwarding"),
        ("net/ipv4/conf/eth0.100/forwarding", "/proc/sys/net/ipv4/conf/eth0.100/forwarding"),
    ],
)
def test_a_parameter_is_found_however_it_is_written(key: str, path: str) -> None:
    assert sysctl.proc_path(key) == path


def test_files_of_parameters_are_sorted_and_hidden_as_a_boot_does_it() -> None:
    found = sysctl.parse(
        "set /etc/sysctl.d/50-a.conf:vm.x = 1\n"
        "set /usr/lib/sysctl.d/50-a.conf:vm.x = 2\n"
        "set /usr/lib/sysctl.d/99-z.conf:-vm/x=3\n"
        "set /run/sysctl.d/60-b.conf:vm.x\t=\t4\n"
        "end"
    )

    assert found is not None
    assert [(item.path, item.key, item.value) for item in found.assignments] == [
        ("/etc/sysctl.d/50-a.conf", "vm.x", "1"),
        ("/run/sysctl.d/60-b.conf", "vm.x", "4"),
        ("/usr/lib/sysctl.d/99-z.conf", "vm.x", "3"),
    ]
    assert found.overriding("vm.x", "/etc/sysctl.d/90-slipway.conf") == found.assignments[2]


@given(st.text(alphabet="ab \t#/\n", max_size=80))
def test_commenting_out_swap_touches_no_other_line_and_is_done_once(fstab: str) -> None:
    once = swap.without_swap(fstab)

    assert once == fstab
    assert swap.without_swap(swap.without_swap(f"{fstab}\n/x none swap sw\n")) == (
        f"{fstab}\n# by slipway: /x none swap sw\n"
    )
