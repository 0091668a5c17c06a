from __future__ import annotations

from deploy.lab.toolchain import numbers


def test_go_versions_compare_by_number() -> None:
    assert numbers("go version go1.26.8 linux/amd64") == (1, 26, 8)
    assert numbers("go version go1.9.7 linux/amd64") < numbers("go1.26.8")[:2]
    assert numbers("go version go1.26rc1 linux/amd64") == (1, 26)


def test_a_version_that_cannot_be_read_is_too_old() -> None:
    assert numbers("devel") < numbers("go1.26.8")
