from __future__ import annotations

import dataclasses
from pathlib import Path

from deploy.lab.layout import Layout
from deploy.lab.places import FILES, cache
from deploy.lab.services import services

LAYOUT = Layout()
MIRROR, REGISTRY = services(LAYOUT, Path("/cache/built-registry-1/registry"))


def test_both_servers_show_what_was_built_and_answer_on_the_labs_network() -> None:
    assert dict(MIRROR.mounts) == {str(cache() / "mirror"): "/srv/mirror"}
    assert dict(REGISTRY.mounts) == {
        str(cache() / "registry"): "/var/lib/registry",
        "/cache/built-registry-1": "/opt/registry",
        str(FILES / "registry"): "/etc/registry",
    }
    assert (MIRROR.url, REGISTRY.url) == ("http://10.89.7.2:8080", "http://10.89.7.3:5000/v2/")


def test_a_server_whose_program_or_image_changed_is_another_container() -> None:
    same, other = (
        services(LAYOUT, Path("/cache/built-registry-1/registry")),
        dataclasses.replace(MIRROR, command=("x",)),
    )

    def label(arguments: list[str]) -> str:
        [found] = [each for each in arguments if each.startswith("--label=slipway.made-of=")]
        return found

    assert label(same[0].arguments(LAYOUT, "a")) == label(MIRROR.arguments(LAYOUT, "a"))
    assert label(other.arguments(LAYOUT, "a")) != label(MIRROR.arguments(LAYOUT, "a"))
    assert label(MIRROR.arguments(LAYOUT, "b")) != label(MIRROR.arguments(LAYOUT, "a"))
