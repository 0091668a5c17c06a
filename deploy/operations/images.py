"""Images on a host before anything asks for them: pulled by the locked digest, named by their tag."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.images import Images
from deploy.observe.images import NAMESPACE
from deploy.operations import notes, transient
from deploy.operations.files import Commands

UNIT = "slipway-images.service"
CERTS = "/etc/containerd/certs.d"


@dataclass(frozen=True, slots=True)
class Image:
    """An image as it shall be: registry/path:tag, and the digest that the lock file pins."""

    ref: str
    digest: str

    @property
    def by_digest(self) -> str:
        """The name that a runtime looks an image up by, whatever its tag."""
        return f"{self.ref.rpartition(':')[0]}@{self.digest}"


@operation()
def present(images: Sequence[Image]) -> Commands:
    """Every image is there, as pinned; a tag that names other content is set right."""
    found: dict[str, str] | None = host.get_fact(Images)
    if found is None:
        notes.unknown_until("containerd")
        notes.reason("containerd does not run yet")
    missing = [image for image in images if (found or {}).get(image.ref) != image.digest]
    for image in missing if found is not None else ():
        was = found.get(image.ref, "missing") if found else "missing"
        notes.reason(f"{image.ref} is {was}, wanted {image.digest}")
    if missing:
        script = ["/bin/sh", "-c", pull(missing)]
        # one that an earlier run left at work is waited for, whatever became of it
        earlier = f"systemctl reset-failed {UNIT} 2>/dev/null\n({transient.awaited(UNIT)}) 2>/dev/null"
        yield StringCommand(f"{earlier}\n{transient.started(UNIT, script)}")


def pull(images: Sequence[Image], certs: str = CERTS) -> str:
    """Return the shell that pulls several at once, and fails when one fails.

    `certs` is the folder that names the mirrors of every registry.
    """
    lines = ["export PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin; pids="]
    for image in images:
        pull = shlex.join(
            [
                "ctr",
                "-n",
                NAMESPACE,
                "images",
                "pull",
                "--hosts-dir",
                certs,
                "--skip-metadata",
                image.by_digest,
            ]
        )
        tag = shlex.join(["ctr", "-n", NAMESPACE, "images", "tag", "--force", image.by_digest, image.ref])
        lines.append(f'{{ {pull} >/dev/null && {tag} >/dev/null; }} & pids="$pids $!"')
    return "\n".join([*lines, "failed=0; for pid in $pids; do wait $pid || failed=1; done; exit $failed"])
