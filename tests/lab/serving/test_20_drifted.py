"""Drift of a store, a registry and a model, made by hand: each is named under its phase, and put right."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from tests.lab.serving.models import (
    ANEW,
    PATIENCE,
    broken,
    changed,
    endpoint,
    findings,
    kubectl,
    settled,
    tokens,
    value,
)
from tests.lab.site import Site, until


@dataclass(frozen=True)
class Drift:
    """The words for kubectl that make one, and the row that must tell of it, for that reason."""

    made: str
    phase: str
    operation: str
    reason: str


def patched(what: str, patch: object) -> str:
    """Return kubectl's words that change an object."""
    return f"patch {what} --type=merge --patch {shlex.quote(json.dumps(patch))}"


DRIFTS = {
    "the class of volumes": Drift(
        "delete storageclass local-path",
        "storage",
        "Install local-path-provisioner, declare volumes",
        "StorageClass local-path is missing",
    ),
    "what the store's user may": Drift(
        "-n object-store " + patched("configmap minio-buckets", {"data": {"policy.json": "{}"}}),
        "object-store",
        "Install the store",
        "ConfigMap object-store/minio-buckets differs",
    ),
    "the Job that makes buckets and their user": Drift(
        "-n object-store delete job -l app.kubernetes.io/name=minio-buckets",
        "object-store",
        "Make the buckets and their user",
        "Job minio-buckets-",
    ),
    "the Secret of the store's user": Drift(
        "-n object-store delete secret object-store-user",
        "object-store",
        "Give them to the store and its jobs",
        "object-store/object-store-user is missing",
    ),
    "the store's Service": Drift(
        "-n object-store " + patched("service minio", {"spec": {"ports": [{"port": 9000, "name": "other"}]}}),
        "object-store",
        "Install the store",
        "Service object-store/minio differs",
    ),
    "who may reach the store": Drift(
        "-n object-store delete networkpolicy minio",
        "object-store",
        "Install the store",
        "NetworkPolicy object-store/minio is missing",
    ),
    "the registry's configuration": Drift(
        "-n registry " + patched("configmap registry", {"data": {"config.yml": "version: 0.1"}}),
        "registry",
        "Install the registry",
        "ConfigMap registry/registry differs",
    ),
    "the registry's address": Drift(
        "-n registry delete service registry-external",
        "registry",
        "Install the registry",
        "Service registry/registry-external is missing",
    ),
    "a model's Deployment": Drift(
        "-n models scale deployment model-tiny --replicas=0",
        "serving",
        "Serve the models",
        "Deployment models/model-tiny differs",
    ),
    "a model's Service": Drift(
        "-n models delete service model-tiny",
        "serving",
        "Serve the models",
        "Service models/model-tiny is missing",
    ),
    "who may ask a model": Drift(
        "-n models delete networkpolicy model-tiny",
        "serving",
        "Serve the models",
        "NetworkPolicy models/model-tiny is missing",
    ),
    "a model's key": Drift(
        "-n models delete secret model-tiny",
        "serving",
        "Give the models their Secrets",
        "models/model-tiny is missing",
    ),
}


def test_each_drift_is_named_under_its_phase_and_put_right(llm: Site) -> None:
    key = value(llm, "models", "model-tiny", "api-key")
    for drift in DRIFTS.values():
        kubectl(llm, *shlex.split(drift.made))

    rows = llm.plan()
    night = llm.slipway("drift", "-o", "json")

    for name, drift in DRIFTS.items():
        told = [row for row in rows if (row["phase"], row["operation"]) == (drift.phase, drift.operation)]
        assert told, f"{name}: not in {[(row['phase'], row['operation']) for row in rows]}"
        assert drift.reason in told[0]["reason"], name
    assert {row["phase"] for row in rows} == {drift.phase for drift in DRIFTS.values()}
    assert night.returncode in (3, 5), night.stdout + night.stderr
    pending = [row for row in json.loads(night.stdout)["rows"] if row["state"] != "none"]
    seen = {(row["phase"], row["operation"]) for row in pending}
    assert {(drift.phase, drift.operation) for drift in DRIFTS.values()} <= seen

    llm.ok("apply", "--yes", timeout=PATIENCE)

    assert llm.plan(code=0) == []
    assert value(llm, "models", "model-tiny", "api-key") == key
    until(lambda: tokens(endpoint(llm)) == 8, ANEW, "an answer with the old key", every=2.0)
    assert broken(findings(llm)) == {}


def test_an_origin_that_is_gone_is_made_anew_and_all_copies_with_it(llm: Site) -> None:
    before = value(llm, "slipway-system", "model-tiny", "api-key")
    kubectl(llm, "--namespace=slipway-system", "delete", "secret", "model-tiny")

    operations = {row["operation"] for row in llm.plan()}
    llm.ok("apply", "--yes", timeout=PATIENCE)

    assert "Keep the models' keys and tokens" in operations
    after = value(llm, "slipway-system", "model-tiny", "api-key")
    assert after != before
    assert value(llm, "models", "model-tiny", "api-key") == after
    until(lambda: tokens(endpoint(llm)) == 8, ANEW, "an answer with the new key", every=2.0)
    assert llm.plan(code=0) == []


def test_a_second_default_class_is_named_by_the_night_and_gone_with_it(llm: Site) -> None:
    class_ = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "second",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
    }
    kubectl(llm, "create", "--filename=-", stdin=json.dumps(class_))
    try:
        night = json.loads(llm.ok("drift", "-o", "json", code=3))
    finally:
        kubectl(llm, "delete", "storageclass", "second")
    after = json.loads(llm.ok("drift", "-o", "json"))

    assert broken({(each["check"], each["host"]): each for each in night["findings"]}) == {
        ("K8S-10", None): "2 classes are the default: local-path, second"
    }
    assert [row for row in night["rows"] if row["state"] != "none"] == []
    assert ("K8S-10", None) in {(each["check"], each["host"]) for each in after["gone"]}


def test_a_bucket_that_somebody_deleted_is_named_and_made_again(llm: Site) -> None:
    """A bucket is a folder of the drive; it goes with whatever others left in it."""
    kubectl(llm, *shlex.split("-n object-store exec minio-0 -- rm -r /data/models"))

    [row] = llm.plan()
    night = llm.slipway("drift", "-o", "json")
    found = broken(findings(llm, code=3))

    assert (row["phase"], row["operation"]) == ("object-store", "Make the buckets and their user")
    assert row["reason"].startswith("bucket models is gone; Job minio-buckets-")
    assert night.returncode in (3, 5), night.stdout + night.stderr
    rows = [each for each in json.loads(night.stdout)["rows"] if each["state"] != "none"]
    assert [each["operation"] for each in rows] == [row["operation"]]
    assert ("S3-02", None) in found
    assert {check.partition("-")[0] for check, _ in found} == {"S3"}

    llm.ok("apply", "--yes", timeout=PATIENCE)

    assert llm.plan(code=0) == []
    assert broken(findings(llm)) == {}


def test_a_model_that_is_no_longer_declared_is_named_and_goes_on(llm: Site) -> None:
    with changed(llm, name="other"):
        report = json.loads(llm.ok("verify", "--passive", "-o", "json", code=3, timeout=600))

    said = {each["check"]: each for each in report["findings"] if each["check"] in ("SRV-07", "SRV-11")}
    assert said["SRV-07"]["found"] == "other is not there"
    assert (said["SRV-11"]["status"], said["SRV-11"]["severity"]) == ("fail", "warning")
    assert said["SRV-11"]["found"] == "tiny 1/1 ready, and not declared"
    assert settled(llm)
