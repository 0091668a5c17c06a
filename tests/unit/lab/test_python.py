from __future__ import annotations

import sys
from pathlib import Path

from deploy.lab import python
from deploy.lab.places import FILES
from deploy.lab.recipes import Python

RECIPE = Python(version="3.11", pins="python/vllm.txt", onto=("python",), imports="import vllm")


def test_packages_are_fetched_for_the_image_and_not_for_this_machine() -> None:
    command = python.fetch(RECIPE, Path("/site"))

    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert {
        "--no-deps",
        "--only-binary=:all:",
        "--python-version=3.11",
        "--platform=manylinux_2_36_x86_64",
        "--target=/site",
        f"--requirement={FILES}/python/vllm.txt",
    } <= set(command)
    assert "--platform=manylinux_2_37_x86_64" not in command


def test_packages_lie_where_debian_s_python_looks() -> None:
    assert python.place(RECIPE) == "/usr/local/lib/python3.11/dist-packages"
