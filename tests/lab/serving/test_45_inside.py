"""A model that nothing exposes is proven all the same: asked from the node of its pod, and exposed again."""

from __future__ import annotations

from tests.lab.serving.models import broken, changed, findings, got
from tests.lab.site import Site


def test_a_model_that_nothing_exposes_is_asked_from_its_pods_node(llm: Site) -> None:
    with changed(llm, expose="cluster"):
        said = llm.ok("apply", "--yes", timeout=600)
        found = findings(llm)
        service = got(llm, "--namespace=models", "service", "model-tiny")
    llm.ok("apply", "--yes", timeout=600)

    assert "kubectl --namespace models port-forward service/model-tiny 8000:80" in said
    assert service["spec"]["type"] == "ClusterIP"
    assert broken(found) == {}
    where = f"{service['spec']['clusterIP']} from w1"
    assert f"tiny at {where} (dummy weights, cpu): 16 tokens" in found["SRV-04", None]["found"].split("; ")
    for check in ("SRV-08", "SRV-09", "SRV-10"):
        assert found[check, None]["status"] == "pass"
