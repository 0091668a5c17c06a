from __future__ import annotations

from deploy.lab.served import Served, found

KUBECTL = "kubectl --kubeconfig=/etc/kubernetes/admin.conf"
KEY = f"{KUBECTL} -n models get secret model-tiny -o jsonpath={{.data.api-key}}"


def service(name: str, **status: object) -> dict[str, object]:
    labels = {"slipway.dev/model": name}
    return {"metadata": {"name": f"model-{name}", "labels": labels}, "status": status}


def test_each_model_with_an_address_is_found_with_what_reads_its_key() -> None:
    reached = service("tiny", loadBalancer={"ingress": [{"ip": "10.89.17.201"}]})
    inside = service("inner", loadBalancer={})

    [one] = found("lab-llm", "n1", {"items": [reached, inside]})

    key = f"slipway lab exec --name lab-llm n1 -- {KEY} | base64 -d"
    assert one == Served("tiny", "10.89.17.201", key)


def test_the_default_lab_needs_no_name() -> None:
    reached = service("tiny", loadBalancer={"ingress": [{"ip": "10.89.7.201"}]})

    [one] = found("lab", "n1", {"items": [reached]})

    assert one.key == f"slipway lab exec n1 -- {KEY} | base64 -d"


def test_a_cluster_without_models_has_none() -> None:
    assert list(found("lab", "n1", {"items": []})) == []
