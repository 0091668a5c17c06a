"""One executable file: a program, and behind it the archive that it finds its other programs in."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

# zip knows no time before; the same content shall be the same bytes
TIME = (1980, 1, 1, 0, 0, 0)


def packed(
    target: Path, front: Path, version: str, programs: Mapping[str, Path], texts: Mapping[str, Path]
) -> None:
    """Write the executable. `payload` names the programs, so that another set of them has another folder."""
    shutil.copyfile(front, target)
    payload = hashlib.sha256("".join(f"{n} {programs[n].parent.name}\n" for n in sorted(programs)).encode())
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in sorted({**programs, **texts}.items()):
            _add(archive, name, path)
        for name, text in (("version", version), ("payload", payload.hexdigest())):
            archive.writestr(zipfile.ZipInfo(name, TIME), text)
    target.chmod(0o755)


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    entry = zipfile.ZipInfo(name, TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.file_size = path.stat().st_size
    with path.open("rb") as source, archive.open(entry, "w") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
