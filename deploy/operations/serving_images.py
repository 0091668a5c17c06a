"""The engine's image, which has many GB: pulled while the cluster comes up, waited for when it is needed."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.images import Images
from deploy.operations import notes, transient
from deploy.operations.files import Commands
from deploy.operations.images import Image, pull

UNIT = "slipway-serving-images.service"


def _missing(images: Sequence[Image]) -> list[Image]:
    found: dict[str, str] | None = host.get_fact(Images)
    if found is None:
        notes.unknown_until("containerd")
        notes.reason("containerd does not run yet")
        return list(images)
    return [image for image in images if found.get(image.ref) != image.digest]


@operation()
def begun(images: Sequence[Image], certs: str) -> Commands:
    """What is missing of the images is being pulled; nothing is waited for.

    `certs` is the folder that names the mirrors of every registry.
    """
    missing = _missing(images)
    if missing:
        notes.reason(f"{', '.join(image.ref for image in missing)} is missing, and is pulled meanwhile")
        yield StringCommand(f"{_at_work()} || {{\n{_begun(missing, certs)}\n}}")


@operation()
def pulled(images: Sequence[Image], certs: str) -> Commands:
    """Every image is there, as pinned; a pull that is at work already is waited for."""
    missing = _missing(images)
    if not missing:
        return
    notes.reason(f"{', '.join(image.ref for image in missing)} is missing")
    # one that failed meanwhile is tried once more, and then its last words are the error
    earlier = f"if {_at_work()}; then ({transient.awaited(UNIT)}) 2>/dev/null; fi"
    yield StringCommand(f"{earlier}\n{_begun(missing, certs)}\n{transient.awaited(UNIT)}")


def _at_work() -> str:
    return f"systemctl --quiet is-active {UNIT}"


def _begun(images: Sequence[Image], certs: str) -> str:
    """Return the shell that pulls beside what matters more now, the cluster's own start."""
    command = ["/bin/sh", "-c", pull(images, certs)]
    return transient.begun(UNIT, command, ["Nice=10", "IOSchedulingClass=idle"])
