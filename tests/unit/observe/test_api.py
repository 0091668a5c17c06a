"""Objects by their paths in the API: where they are, and what an answer means."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.observe import api
from deploy.observe.kube import KUBECONFIG, Key, Objects, Reach

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}


@pytest.mark.parametrize(
    ("version", "kind", "namespace", "name", "path"),
    [
        ("v1", "Namespace", None, "x", "/api/v1/namespaces/x"),
        ("v1", "Endpoints", "n", "x", "/api/v1/namespaces/n/endpoints/x"),
        ("apps/v1", "Deployment", "n", "x", "/apis/apps/v1/namespaces/n/deployments/x"),
        ("networking.k8s.io/v1", "NetworkPolicy", "n", "x",
         "/apis/networking.k8s.io/v1/namespaces/n/networkpolicies/x"),
        ("networking.k8s.io/v1", "Ingress", "n", "x", "/apis/networking.k8s.io/v1/namespaces/n/ingresses/x"),
        ("storage.k8s.io/v1", "StorageClass", None, "x", "/apis/storage.k8s.io/v1/storageclasses/x"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", None, "system:a",
         "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aa"),
        ("metallb.io/v1beta1", "IPAddressPool", "n", "x",
         "/apis/metallb.io/v1beta1/namespaces/n/ipaddresspools/x"),
    ],
)  # fmt: skip
def test_an_object_is_where_the_api_shows_it(
    version: str, kind: str, namespace: str | None, name: str, path: str
) -> None:
    metadata: dict[str, Any] = {"name": name} | ({"namespace": namespace} if namespace else {})

    assert api.path({"apiVersion": version, "kind": kind, "metadata": metadata}) == path


def test_a_list_is_asked_for_by_labels() -> None:
    assert api.listed("v1", "Secret", "n", "owner=helm,name=x") == (
        "/api/v1/namespaces/n/secrets?labelSelector=owner%3Dhelm%2Cname%3Dx"
    )


def answer(document: object, status: int) -> list[str]:
    text = document if isinstance(document, str) else json.dumps(document, indent=1)
    return [*text.splitlines(), f"=== slipway {status} https://api/x"]


def test_objects_and_lists_are_read_and_what_is_missing_is_left_out() -> None:
    item = {"metadata": {"name": "a"}}
    lines = [
        *answer(POD, 200),
        *answer({"kind": "Status", "details": {"name": "gone", "kind": "pods"}}, 404),
        *answer({"apiVersion": "v1", "kind": "NodeList", "items": [item]}, 200),
    ]

    node = {"apiVersion": "v1", "kind": "Node", **item}
    assert api.parse(lines) == Objects(
        Reach.ANSWERS, live={Key("", "Pod", "n", "p"): POD, Key("", "Node", "", "a"): node}
    )


@pytest.mark.parametrize(
    "document", ["404 page not found", {"kind": "Status", "message": "the server could not find it"}]
)
def test_a_kind_that_is_not_served_is_no_missing_object(document: object) -> None:
    found = api.parse(answer(document, 404))

    assert (found.reach, found.errors) == (Reach.ANSWERS, ("https://api/x: no matches for kind",))
    assert found.unknown_kinds


def test_a_refusal_and_an_answer_that_is_none_are_errors() -> None:
    lines = [*answer({"kind": "Status", "message": "pods is forbidden"}, 403), *answer("Bad Gateway", 502)]

    found = api.parse(lines)

    assert (found.reach, found.live) == (Reach.SILENT, {})
    assert found.errors == ("https://api/x: pods is forbidden", "https://api/x: status 502: Bad Gateway")


def test_an_object_that_says_not_what_it_is_was_not_read() -> None:
    found = api.parse(answer({}, 200))

    assert (found.reach, found.errors) == (Reach.SILENT, ("https://api/x: an object without a name",))


@pytest.mark.parametrize("inline", [True, False], ids=["in the file", "in files of their own"])
def test_who_asks_is_read_from_a_kubeconfig_and_in_no_argument(tmp_path: Path, *, inline: bool) -> None:
    conf, pem, curl = tmp_path / "kubelet.conf", tmp_path / "current.pem", tmp_path / "curl"
    pem.write_text("a key")
    data = base64.b64encode(pem.read_bytes()).decode()
    own = [
        f"{each}-data: {data}" if inline else f"{each}: {pem}"
        for each in ("client-certificate", "client-key")
    ]
    lines = ["    server: https://10.0.0.1:6443", f"    certificate-authority-data: {data}", *own]
    conf.write_text("\n".join(lines))
    curl.write_text('#!/bin/sh\necho "$*"; cat /dev/fd/3 /dev/fd/4 /dev/fd/5\n')
    curl.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    ran = subprocess.run(
        ["sh", "-c", api.command(["/api/v1/nodes/x"], str(conf))],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip

    asked, *given = ran.stdout.splitlines()[-4:]
    assert given == ["a key"] * 3
    assert "https://10.0.0.1:6443/api/v1/nodes/x" in ran.stdout
    assert "a key" not in asked


def test_an_api_that_says_nothing_is_silent_and_no_cluster_is_none() -> None:
    refused = "curl: (7) Failed to connect to 10.0.0.1 port 6443"

    assert api.parse([refused, "=== slipway 000 https://api/x"]) == Objects(Reach.SILENT, errors=(refused,))
    assert api.parse([]).reach is Reach.SILENT
    assert api.parse(["=== slipway no cluster"]) == Objects(Reach.NO_CLUSTER)


def test_what_was_cut_off_is_not_taken_for_missing() -> None:
    cut = "curl: (28) Operation timed out"

    found = api.parse([*answer(POD, 200), cut])

    assert (found.reach, found.errors) == (Reach.SILENT, (cut,))


BLOCK = """clusters:
- cluster:
    certificate-authority-data: Q0E=
    server: https://10.0.0.1:6443
users:
- user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
"""
FLOW = """clusters: [{name: x, cluster: {server: "https://10.0.0.1:6443", certificate-authority-data: Q0E=}}]
users: [{name: x, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}]
"""

QUOTED = BLOCK.replace("https://10.0.0.1:6443", "'https://10.0.0.1:6443'").replace("Q0E=", '"Q0E="')
SEVERAL = """clusters:
- cluster: {server: https://10.0.0.1:6443, certificate-authority-data: Q0E=}
- cluster: {server: https://10.0.0.2:6443, certificate-authority-data: T1RIRVI=}
users:
- user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
- user: {client-certificate-data: T1RIRVI=, client-key-data: T1RIRVI=}
"""


@pytest.mark.parametrize(
    "kubeconfig", [BLOCK, FLOW, QUOTED, SEVERAL], ids=["block", "flow", "quoted", "the first of several"]
)
def test_curl_is_given_what_the_kubeconfig_holds_and_no_key_as_an_argument(
    kubeconfig: str, tmp_path: Path
) -> None:
    (tmp_path / "admin.conf").write_text(kubeconfig)
    (tmp_path / "curl").write_text(
        "#!/bin/sh\nprintf '%s ' \"$@\"; echo\ncat /dev/fd/3 /dev/fd/4 /dev/fd/5\n"
    )
    (tmp_path / "curl").chmod(0o755)
    for needed in ("cat", "base64"):
        (tmp_path / needed).symlink_to(shutil.which(needed) or "")
    script = api.command(["/api/v1/nodes"]).replace(KUBECONFIG, str(tmp_path / "admin.conf"))

    ran = subprocess.run(
        ["/bin/sh", "-euc", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": str(tmp_path), "server": "https://somebody.else", "key": "NOT THE KEY"},
    )

    arguments, *files = ran.stdout.splitlines()
    assert arguments.endswith(" https://10.0.0.1:6443/api/v1/nodes ")
    assert "S0VZ" not in arguments
    assert files == ["CA", "CERT", "KEY"]
