"""The images that a host's containerd holds for Kubernetes."""

from __future__ import annotations

from collections.abc import Sequence

NAMESPACE = "k8s.io"
ABSENT, END = "# no containerd", "# end"

COMMAND = (
    f"command -v ctr >/dev/null && ctr --connect-timeout 5s -n {NAMESPACE} images list 2>/dev/null "
    f"|| echo '{ABSENT}'; echo '{END}'"
)


def parse(lines: Sequence[str]) -> dict[str, str] | None:
    """Return digests by reference; None when containerd does not run, or the output is cut off."""
    if ABSENT in lines or END not in lines:
        return None
    rows = [line.split() for line in lines if not line.startswith(("REF ", "#"))]
    return {row[0]: row[2] for row in rows if len(row) > 2 and row[2].startswith("sha256:")}
