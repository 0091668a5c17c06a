from __future__ import annotations

from deploy.lab import served

KUBECTL = "kubectl --kubeconfig=/etc/kubernetes/admin.conf"
KEY = f"{KUBECTL} -n models get secret model-tiny -o jsonpath={{.data.api-key}}"


def service(name: str, **status: object) -> dict[str, object]:
    labels = {"slipway.dev/model": name}
    return {"metadata": {"name": f"model-{name}", "labels": labels}, "status": status}


def test_each_model_with_an_address_has_a_line_that_reads_its_key_and_asks_it() -> None:
    reached = service("tiny", loadBalancer={"ingress": [{"ip": "10.89.17.201"}]})
    inside = service("inner", loadBalancer={})

    [line] = served.lines("lab-llm", "n1", {"items": [reached, inside]})

    assert line == (
        f"slipway lab exec --name lab-llm n1 -- {KEY} | base64 -d | sed 's/^/Authorization: Bearer /'"
        " | curl -s -H @- http://10.89.17.201/v1/completions"
        " -H 'Content-Type: application/json'"
        """ -d '{"model": "tiny", "prompt": "Hello", "max_tokens": 16}'"""
    )


def test_a_cluster_without_models_has_no_lines() -> None:
    assert list(served.lines("lab", "n1", {"items": []})) == []
