"""Every kind of claim as a Kubernetes version takes it, and that version's own schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from deploy.catalog.gpu import resource_api
from deploy.gpu import Need, wired
from deploy.gpu.claims import monitoring
from deploy.model import Vendor
from tests.unit.gpu.clusters import HOPPER, INSTINCT, cluster, mixed

HERE = Path(__file__).parent
MINORS = ("1.32", "1.33", "1.34", "1.36")
PREFERRED = Need(Vendor.INTEL, models=("B580", "A770"))


def rendered(minor: str) -> list[dict[str, Any]]:
    """Return every kind of claim that a workload may want, as one minor takes it."""
    version = f"v{minor}.4"
    declared = mixed(version)
    needs = {
        "one-pod-one-gpu": Need(Vendor.INTEL, models=("A770",)),
        "one-pod-several": Need(Vendor.INTEL, 2, models=("A770",)),
        "several-pods-one-gpu": Need(Vendor.INTEL, models=("A770",), shared=True),
        "several-pods-several": Need(Vendor.INTEL, 2, models=("A770",), shared=True),
        "any-declared-model": Need(Vendor.INTEL),
        "enough-memory": Need(Vendor.INTEL, memory="15Gi"),
        "nvidia-by-model": Need(Vendor.NVIDIA, 4, memory="80G"),
    }
    own = {"nvidia": {"manifest": "own.yaml"}}
    parts = cluster({**HOPPER, "partitioning": {"mig": "all-1g.10gb"}}, version=version, gpu=own)
    cpx = {**INSTINCT, "allocation": "dra", "partitioning": {"compute": "CPX", "memory": "NPS4"}}
    found = [obj for name, need in needs.items() for obj in wired(declared, need, name, "models").objects]
    found += wired(parts, Need(Vendor.NVIDIA, profile="1g.10gb"), "nvidia-part", "models").objects
    found += wired(
        cluster(cpx, version=version), Need(Vendor.AMD, profile="cpx_nps4"), "amd-part", "models"
    ).objects
    api = resource_api(version)
    if api.first_available:
        found += wired(declared, PREFERRED, "better-first", "models").objects
    if api.admin_access:
        found += monitoring(api, Vendor.INTEL, "watch", "gpu-monitoring")
    return found


def validate(obj: dict[str, Any], minor: str) -> None:
    """Raise for what a minor does not know; its schemas are upstream's, with unknown keys refused."""
    document = json.loads((HERE / "schemas" / f"resource-{minor}.json").read_text())
    kind = document["kinds"][f"{obj['apiVersion']} {obj['kind']}"]
    schema = {"$ref": f"#/definitions/{kind}", "definitions": document["definitions"]}
    Draft7Validator(schema).validate(obj)
