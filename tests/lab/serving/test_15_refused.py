"""Models that cannot be: refused with what to do, before anything is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lab.serving.models import changed, kubectl
from tests.lab.site import Site

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "an argument that the engine does not know": (
        {"arguments": ["--enforce-eager", "--max-model-length=5"]},
        "models[0].arguments[1]",
        "vLLM 0.32.0 has no argument --max-model-length; did you mean --max-model-len?",
    ),
    "more than its memory holds": (
        {"memory": "1Gi"},
        "models[0].memory",
        (
            "tiny does not fit: weights 2.0 MiB, engine 1.5 GiB, KV cache 32.0 MiB: together 1.5 GiB of 1.0"
            " GiB, models[].memory 1Gi; ask for more memory, lower context or kv_cache, or use a quantised"
            " model"
        ),
    ),
    "a branch of a hub": (
        {"source": {"hub": "org/name"}, "checksum": None},
        "models[0].source.revision",
        "missing; wanted here: the commit of the repository, since a branch may change over night",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("verb", ["validate", "apply"])
def test_what_cannot_work_is_refused_and_nothing_is_touched(llm: Site, name: str, verb: str) -> None:
    values, place, text = REFUSED[name]
    before = versions(llm)

    with changed(llm, **values):
        done = llm.slipway(verb, *(["--yes"] if verb == "apply" else []))

    assert done.returncode == 2, done.stdout + done.stderr
    [line] = [each for each in done.stderr.splitlines() if each.lstrip().startswith(place)]
    assert line.endswith(f": {text}")
    assert versions(llm) == before


def test_more_memory_than_any_node_has_is_refused_by_a_preflight_with_the_numbers(llm: Site) -> None:
    with changed(llm, memory="900Gi"):
        done = llm.slipway("preflight", "-o", "json")

    assert done.returncode == 3, done.stdout + done.stderr
    [found] = [each for each in json.loads(done.stdout)["findings"] if each["check"] == "SRV-02"]
    assert found["status"] == "fail"
    assert found["found"].startswith("tiny asks for 900Gi of memory, and w1, the largest, has ")
    assert found["found"].endswith(" GiB")


def versions(site: Site) -> list[str]:
    """Return the versions of everything of the models; a state that changes by itself is none."""
    kinds = {
        "services,secrets,persistentvolumeclaims": "resourceVersion",
        "deployments,jobs,networkpolicies": "generation",
    }
    shown = "custom-columns=K:.kind,N:.metadata.name,U:.metadata.uid,V:.metadata."
    return [
        kubectl(site, "--namespace=models", "get", names, "-o", f"{shown}{version}")
        for names, version in kinds.items()
    ]
