"""What the readers' scripts do themselves, in place of programs: here, and below a folder of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.observe import disks, firewall, kernels, network, remains, sysctl, system

SHELLS = [shell for shell in (["dash"], ["busybox", "sh"], ["bash"]) if shutil.which(shell[0])]
in_every_shell = pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
DF = """#!/bin/sh
for each; do
  shift
  [ "$each" = {broken} ] && wrong=1 || set -- "$@" "$each"
done
[ $# -eq 2 ] || {df} "$@"
exit ${{wrong:-0}}
"""


def said(shell: list[str], script: str, programs: Path | None = None) -> str:
    first = f"{programs}:" if programs else ""
    ran = subprocess.run(
        [*shell, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{first}{os.environ['PATH']}:/usr/sbin:/sbin"},
    )
    return ran.stdout


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@in_every_shell
def test_a_parameter_is_read_to_its_end(shell: list[str]) -> None:
    keys = ["fs.inotify.max_user_watches", "kernel.osrelease", "net.ipv4.tcp_rmem", "not.there"]

    found = sysctl.parse(said(shell, sysctl.command(keys)))

    assert found is not None
    assert {key: each.value for key, each in found.live.items()} == {
        key: sysctl.normal(Path(sysctl.proc_path(key)).read_text()) for key in keys[:-1]
    }


@in_every_shell
def test_a_host_says_what_its_programs_say(shell: list[str]) -> None:
    found = system.parse(said(shell, system.COMMAND))

    uname = os.uname()
    assert (found.uid, found.kernel, found.arch) == (os.geteuid(), uname.release, uname.machine)
    assert kernels.parse(said(shell, kernels.COMMAND)).running == uname.release


@in_every_shell
def test_a_path_that_cannot_be_measured_leaves_the_others_theirs(shell: list[str], tmp_path: Path) -> None:
    broken, sound, later = tmp_path / "broken", tmp_path / "sound", tmp_path / "later/on"
    broken.mkdir()
    sound.mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    program(programs / "df", DF.format(broken=broken, df=shutil.which("df")))
    asked = ["/", str(broken), "/dev/shm", str(later)]

    whole = disks.parse(said(shell, disks.command(asked)))
    partly = disks.parse(said(shell, disks.command(asked), programs))

    assert [(each.path, each.mount, each.size_kib) for each in partly.paths] == [
        (each.path, each.mount, each.size_kib) for each in whole.paths if each.path != str(broken)
    ]
    assert [each.path for each in whole.paths] == asked


@in_every_shell
def test_a_place_counts_when_something_is_in_it(shell: list[str], tmp_path: Path) -> None:
    for place in (
        "etc/kubernetes/pki",
        "etc/kubernetes/manifests",
        "etc/cni/net.d",
        "var/lib/etcd",
        "etc/slipway",
    ):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "etc/kubernetes/pki/ca.crt").touch()
    (tmp_path / "etc/cni/net.d/.kubernetes-cni-keep").touch()
    (tmp_path / "var/lib/etcd/member").symlink_to("/nowhere")
    (tmp_path / "etc/kubernetes/admin.conf").touch()
    (tmp_path / "etc/slipway/cluster.json").write_text('{\n  "name": "lab",\n  "node": "cp1"\n}')
    script = remains.COMMAND
    for root in ("/etc/", "/var/"):
        script = script.replace(f" {root}", f" {tmp_path}{root}")

    found = remains.parse(said(shell, script))

    assert [place.removeprefix(str(tmp_path)) for place in found.places] == [
        "/etc/kubernetes/pki", "/etc/kubernetes/admin.conf", "/var/lib/etcd", "/etc/cni/net.d",
    ]  # fmt: skip
    assert found.identity == {"name": "lab", "node": "cp1"}


@in_every_shell
def test_of_the_neighbours_the_first_hundreds_are_told(shell: list[str], tmp_path: Path) -> None:
    program(
        tmp_path / "ip",
        """#!/bin/sh
case "$*" in
*addr*) echo '2: eth0    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0' ;;
*route*) echo 'default via 10.0.0.254 dev eth0 ' ;;
*neigh*) i=0; while [ $i -lt 600 ]; do
  echo "10.0.$((i / 250)).$((i % 250)) dev eth0 lladdr aa:bb:cc:00:00:01 STALE"; i=$((i + 1)); done ;;
esac
""",
    )

    found = network.parse(said(shell, network.COMMAND, tmp_path))

    assert [str(each) for each in found.gateways] == ["10.0.0.254"]
    assert [str(each.interface) for each in found.addresses] == ["10.0.0.1/24"]
    assert len(found.neighbours) == 500


@in_every_shell
def test_chains_that_drop_are_told_one_by_one(shell: list[str], tmp_path: Path) -> None:
    program(
        tmp_path / "nft",
        """#!/bin/sh
printf '\\tchain input {\\n\\t\\ttype filter hook input priority filter; policy drop;\\n\\t}\\n'
printf '\\tchain other {\\n\\t\\ttype filter hook output priority filter; policy drop;\\n\\t}\\n'
printf '\\tchain forward {\\n\\t\\ttype filter hook forward priority 0; policy drop;\\n\\t}\\n'
""",
    )
    script = firewall.COMMAND.replace("/sys/module/nf_tables", "/")

    assert firewall.parse(said(shell, script, tmp_path)).dropping == (
        "type filter hook input priority filter; policy drop;",
        "type filter hook forward priority 0; policy drop;",
    )
