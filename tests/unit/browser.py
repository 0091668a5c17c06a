"""A real browser, where there is one, and what is seen in it."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
# preferredColorScheme -> the colour of a page's upper left corner
in_both_schemes = pytest.mark.parametrize(("scheme", "expected"), [(1, (255, 255, 255)), (0, (15, 18, 22))])


def browsed(folder: Path, page: str, *options: str) -> str:
    """Open a page, and return what the browser prints."""
    (folder / "page.html").write_text(page)
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}")
    command = [str(CHROMIUM), *quiet, *options, (folder / "page.html").as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def corner(folder: Path, page: str, scheme: int) -> tuple[int, ...]:
    """Return the colour of a page's upper left corner for a reader who prefers a scheme."""
    picture = folder / "page.png"
    preferred = f"--blink-settings=preferredColorScheme={scheme}"
    browsed(folder, page, "--window-size=500,900", preferred, f"--screenshot={picture}")
    return _first_pixel(picture.read_bytes())


def _first_pixel(png: bytes) -> tuple[int, ...]:
    """Return the upper left pixel of a PNG: there, every filter of the format leaves the value alone."""
    place, data = 8, b""
    while place < len(png):
        (size,), kind = struct.unpack(">I", png[place : place + 4]), png[place + 4 : place + 8]
        data += png[place + 8 : place + 8 + size] if kind == b"IDAT" else b""
        place += size + 12
    return tuple(zlib.decompress(data)[1:4])
