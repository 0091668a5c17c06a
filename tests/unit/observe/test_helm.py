"""Helm's releases as stored, and their drift."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from deploy.observe import helm, kube
from deploy.observe.helm import Revision
from deploy.observe.kube import Key, Objects, Reach

MANIFEST = """
---
# Source: metallb/templates/controller.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller, namespace: metallb-system, creationTimestamp: null}
spec: {replicas: 1, template: {spec: {containers: [{name: c, image: "x:1", resources: {}}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: controller}
rules: []
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hooks}
webhooks: [{name: a, clientConfig: {caBundle: Cg==}}]
"""


def secret(number: int, status: str, manifest: str = MANIFEST, desired: str | None = None) -> dict[str, Any]:
    release = gzip.compress(json.dumps({"name": "metallb", "manifest": manifest}).encode())
    labels = {"owner": "helm", "name": "metallb", "status": status, "version": str(number)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"sh.helm.release.v1.metallb.v{number}",
            "namespace": "metallb-system",
            "labels": {**labels, **({helm.DESIRED: desired} if desired else {})},
        },
        "data": {"release": base64.b64encode(base64.b64encode(release)).decode()},
    }


def objects(*live: dict[str, Any]) -> Objects:
    return Objects(Reach.ANSWERS, {kube.key(one): one for one in live})


LIVE = [
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "controller", "namespace": "metallb-system", "uid": "1"},
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 10,
            "template": {"spec": {"containers": [{"name": "c", "image": "x:1", "resources": {}}]}},
        },
    },
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "controller"}},
    {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "hooks"},
        "webhooks": [{"name": "a", "clientConfig": {"caBundle": "aW5qZWN0ZWQ="}, "timeoutSeconds": 10}],
    },
]


def test_revisions_are_read_oldest_first_with_what_they_were_made_of() -> None:
    known = helm.revisions(objects(secret(10, "deployed", desired="abc"), secret(9, "superseded")))

    assert [(one.number, one.status, one.desired, len(one.manifest)) for one in known] == [
        (9, "superseded", None, 3),
        (10, "deployed", "abc", 3),
    ]


def test_a_revision_that_cannot_be_decoded_has_no_manifest() -> None:
    broken = secret(1, "deployed")
    broken["data"]["release"] = base64.b64encode(b"no base64!").decode()

    assert helm.revisions(objects(broken)) == [Revision(1, "deployed", None, ())]


def test_defaults_and_injected_bundles_are_no_drift() -> None:
    [revision] = helm.revisions(objects(secret(1, "deployed")))

    assert helm.drifts(revision.manifest, "metallb-system", objects(*LIVE)) == []


def test_an_edited_and_a_deleted_object_are_named() -> None:
    [revision] = helm.revisions(objects(secret(1, "deployed")))
    edited = json.loads(json.dumps(LIVE[0]).replace("x:1", "x:2"))

    assert helm.drifts(revision.manifest, "metallb-system", objects(edited, LIVE[2])) == [
        (
            Key("apps", "Deployment", "metallb-system", "controller"),
            [("spec", "template", "spec", "containers", "0", "image")],
        ),
        (Key("rbac.authorization.k8s.io", "ClusterRole", "", "controller"), [()]),
    ]


def test_an_object_without_a_namespace_is_looked_for_in_the_release_s_and_in_none() -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "x"}}
    own = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "y", "namespace": "n"}}

    assert helm.paths((role, own), "home") == [
        "/apis/rbac.authorization.k8s.io/v1/namespaces/home/clusterroles/x",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/x",
        "/api/v1/namespaces/n/secrets/y",
    ]
