"""The same cluster, reached in other ways: nothing to change, whichever."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.site import Site

WAYS: dict[str, dict[str, Any]] = {
    "a user with sudo": {"user": "ops"},
    "another port": {"port": 2222},
    "through a jump host": {"user": "ops", "jump": "root@{n3}:2222"},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_plan_is_as_empty_as_root_sees_it(core: Site, way: str) -> None:
    kept = core.data["ssh"]
    jump = str(core.lab.address("n3"))
    changed = {
        key: str(value).format(n3=jump) if key == "jump" else value for key, value in WAYS[way].items()
    }
    core.data["ssh"] = {**kept, **changed}
    core.write()
    try:
        assert core.plan(code=0) == []
    finally:
        core.data["ssh"] = kept
        core.write()


def test_a_user_with_sudo_applies(core: Site) -> None:
    kept = core.data["ssh"]
    core.on("n2", "rm /etc/modules-load.d/slipway.conf")
    core.data["ssh"] = {**kept, "user": "ops"}
    core.write()
    try:
        core.ok("apply", "--yes")
    finally:
        core.data["ssh"] = kept
        core.write()

    assert core.on("n2", "stat -c %U /etc/modules-load.d/slipway.conf") == "root"
