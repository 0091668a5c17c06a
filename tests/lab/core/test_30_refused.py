"""What slipway will not do on living hosts, and how it says so."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import yaml

from deploy.engine.locks import ON_HOST, Holder
from deploy.lab import keys
from deploy.model import paths
from tests.lab.site import Site, until


@contextmanager
def lock_changed(site: Site, key: str, sha256: str) -> Iterator[None]:
    """Pin another digest for one file."""
    path = paths.lock_file(site.inventory)
    kept = path.read_text()
    lock = yaml.safe_load(kept)
    lock["files"][key]["pins"]["amd64"]["sha256"] = sha256
    path.write_text(yaml.safe_dump(lock))
    try:
        yield
    finally:
        path.write_text(kept)


def copied(site: Site, directory: Path, name: str) -> Site:
    """Return the same hosts under another inventory, with another name of the cluster."""
    other = replace(site, name=name, directory=directory, data={**site.data, "name": name})
    other.write()
    shutil.copy(paths.lock_file(site.inventory), paths.lock_file(other.inventory))
    other.trust()
    return other


def test_a_second_apply_at_once_is_refused_and_says_who_holds_the_lock(core: Site) -> None:
    core.on("n1", "rm -f /etc/systemd/journald.conf.d/50-slipway.conf")
    with core.running("apply", "--yes") as first:
        until(lambda: paths.run_lock(core.name).read_text() != "", 120, "the first run's lock")

        second = core.slipway("apply", "--yes")

        said, _ = first.communicate(timeout=900)
    assert first.returncode == 0, said
    assert second.returncode == 3
    assert f"cluster {core.name} is being worked on by `slipway apply` of root" in second.stderr
    assert f"process {first.pid}" in second.stderr


def test_the_lock_of_a_killed_run_holds_nobody_up(core: Site) -> None:
    core.on("n1", "rm -f /etc/systemd/journald.conf.d/50-slipway.conf")
    with core.running("apply", "--yes"):
        until(lambda: paths.run_lock(core.name).read_text() != "", 120, "the first run's lock")

    said = core.ok("apply", "--yes")

    assert "An earlier run did not end by itself" in said


def test_a_night_during_an_apply_of_another_machine_says_so_and_reports_nothing(core: Site) -> None:
    name = json.dumps(asdict(Holder("apply", "alice", "laptop", 4242, "2026-11-30T01:00:00Z")))
    held = f"exec 9<>{ON_HOST}; flock 9; echo {shlex.quote(name)} > {ON_HOST}; exec sleep infinity"
    core.on("n1", f"systemd-run -q --collect --unit=held-by-alice sh -c {shlex.quote(held)}")
    try:
        until(lambda: "alice" in core.on("n1", f"cat {ON_HOST}"), 60, "the other machine's lock")
        night = core.slipway("drift", "-o", "json")
    finally:
        core.on("n1", f"systemctl stop held-by-alice; : > {ON_HOST}")

    assert (night.returncode, night.stdout) == (3, "")
    assert f"cluster {core.name} is being worked on by `slipway apply` of alice on laptop" in night.stderr


def test_a_wrong_digest_installs_nothing_and_the_old_binary_stays(core: Site) -> None:
    before = core.on("n1", "sha256sum /usr/local/sbin/runc; stat -c %i /usr/local/sbin/runc")

    with lock_changed(core, "runc", "0" * 64):
        done = core.slipway("apply", "--yes")

    assert done.returncode == 3
    assert f"wanted sha256 {'0' * 64}, found " in done.stdout + done.stderr
    assert core.on("n1", "sha256sum /usr/local/sbin/runc; stat -c %i /usr/local/sbin/runc") == before
    assert core.plan(code=0) == []


def test_a_changed_host_key_is_refused_with_both_fingerprints(core: Site) -> None:
    address = str(core.lab.address("n2"))
    offered = core.on("n2", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    other = core.directory / "another_key"
    keys.made(other, "another host")
    keys.trust(core.name, [f"{address} {' '.join(keys.public(other).split()[:2])}"])
    try:
        done = core.slipway("plan")
    finally:
        core.trust()

    assert done.returncode == 6
    assert "its host key has changed: known is ssh-ed25519 SHA256:" in done.stderr
    assert f"offered is ssh-ed25519 {offered}" in done.stderr
    assert "slipway trust" in done.stderr


def test_hosts_of_another_cluster_are_not_touched(core: Site, tmp_path: Path) -> None:
    other = copied(core, tmp_path, "somebody-else")
    core.on("n1", "touch /run/before")

    done = other.slipway("apply", "--yes")

    other.forget()
    assert done.returncode == 2
    assert f"the host is cp1 of the cluster {core.name}, this inventory is of somebody-else" in done.stderr
    assert core.on("n1", "find /etc /usr/local /var/lib/slipway -newer /run/before -type f") == ""


def test_an_immutable_key_of_a_living_cluster_is_refused(core: Site) -> None:
    kept = core.data["kubernetes"]
    core.data["kubernetes"] = {**kept, "pod_cidr": "10.60.0.0/16"}
    core.write()
    try:
        done = core.slipway("apply", "--yes")
    finally:
        core.data["kubernetes"] = kept
        core.write()

    said = done.stdout + done.stderr
    assert done.returncode == 2
    assert "pod_cidr" in said
    assert "10.42.0.0/16" in said
    assert "10.60.0.0/16" in said
    assert core.plan(code=0) == []


def test_a_user_without_sudo_is_named(core: Site) -> None:
    kept = core.data["ssh"]
    core.data["ssh"] = {**kept, "user": "nosudo"}
    core.write()
    try:
        done = core.slipway("plan")
    finally:
        core.data["ssh"] = kept
        core.write()

    assert done.returncode == 3
    assert "[HOST-01] cp1" in done.stderr
    assert "user 'nosudo' cannot become root without a password" in done.stderr
