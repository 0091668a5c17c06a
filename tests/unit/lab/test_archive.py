from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

from deploy.lab.archive import Entry, flat, tar, tgz, tree


def test_an_archive_depends_on_nothing_but_its_content(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, names in ((first, "ab"), (second, "ba")):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(name)
    os.utime(second / "a", (1, 1))

    tgz(tmp_path / "1.tgz", tree(first))
    tgz(tmp_path / "other-name.tgz", reversed(tree(second)))

    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob("*.tgz")}
    assert len(digests) == 1


def test_a_file_that_its_owner_may_run_may_be_run_by_all(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o700)
    (tmp_path / "read").write_text("")
    (tmp_path / "read").chmod(0o600)

    assert [(entry.name, oct(entry.mode)) for entry in tree(tmp_path, "top/")] == [
        ("top/read", "0o644"),
        ("top/run", "0o755"),
    ]


def test_names_modes_and_owners_are_as_given(tmp_path: Path) -> None:
    (tmp_path / "runc").write_bytes(b"binary")
    content = tar(
        [*flat({"bin/runc": tmp_path / "runc"}), Entry("etc/key", b"secret", 0o600), Entry("up/", b"", 0o777)]
    )

    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = [
            (each.name, oct(each.mode), each.uid, each.mtime, each.isdir(), each.size) for each in archive
        ]

    assert found == [
        ("bin/runc", "0o755", 0, 0, False, 6),
        ("etc/key", "0o600", 0, 0, False, 6),
        ("up", "0o777", 0, 0, True, 0),
    ]
