"""The page in a real browser, where there is one: it follows the reader's colours."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from night import NIGHT

from checks.report import render

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def corner(png: bytes) -> tuple[int, ...]:
    """Return the upper left pixel of a PNG: there, every filter of the format leaves the value alone."""
    place, data = 8, b""
    while place < len(png):
        (size,), kind = struct.unpack(">I", png[place : place + 4]), png[place + 4 : place + 8]
        data += png[place + 8 : place + 8 + size] if kind == b"IDAT" else b""
        place += size + 12
    return tuple(zlib.decompress(data)[1:4])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize(("scheme", "expected"), [(1, (255, 255, 255)), (0, (15, 18, 22))])
def test_the_page_is_light_or_dark_as_the_reader_wants_it(
    tmp_path: Path, scheme: int, expected: tuple[int, ...]
) -> None:
    (tmp_path / "night.html").write_text(render(NIGHT, "html", history=[NIGHT]))
    subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=500,900",
            f"--blink-settings=preferredColorScheme={scheme}",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--screenshot={tmp_path / 'night.png'}",
            (tmp_path / "night.html").as_uri(),
        ],
        capture_output=True,
        timeout=60,
        check=True,
    )

    assert corner((tmp_path / "night.png").read_bytes()) == expected
