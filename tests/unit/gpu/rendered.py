"""What the vendors' charts make of our values: which charts, which values, where it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.unit.gpu.stacks import VALUES

GOLDEN = Path(__file__).with_name("golden")
CRDS = Path(__file__).with_name("crds")
CHARTS = ("intel-device-plugins-operator", "amd-gpu-operator", "nvidia-gpu-operator")
KINDS = {
    "amd-gpu-operator": ("DeviceConfig",),
    "nvidia-gpu-operator": ("ClusterPolicy", "GPUCluster", "NVIDIADriver"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A chart with values of ours, and the kinds of the vendor's own that it makes of them."""

    chart: str
    values: Mapping[str, Any]
    kinds: tuple[str, ...]


CASES = {
    name: Case(chart, values, KINDS[chart]) for name, (chart, values) in VALUES.items() if chart in KINDS
}


def digest(values: Mapping[str, Any]) -> str:
    """Return what tells values from others."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def file(name: str) -> Path:
    """Return the file of a case."""
    return GOLDEN / f"chart-{name.replace(' ', '-')}.yaml"
