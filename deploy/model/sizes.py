"""Quantities of bytes, as Kubernetes writes them (k8s.io/apimachinery/pkg/api/resource)."""

from __future__ import annotations

import re

_UNITS = {
    "": 1,
    **{unit: 1000**power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": 1024**power for power, unit in enumerate("KMGTPE", start=1)},
}
_FORM = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(sorted(_UNITS, key=len, reverse=True))})")


def in_bytes(size: str) -> int:
    """Return the bytes of 100Gi, 1.5T or 4096."""
    match = _FORM.fullmatch(size)
    if match is None:
        raise ValueError(f"{size!r} is no quantity of bytes")
    return int(float(match[1]) * _UNITS[match[2]])
