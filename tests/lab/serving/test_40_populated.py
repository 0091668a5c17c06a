"""Models fetched from the cluster's own store: through its loss, and onto a disk that is full."""

from __future__ import annotations

import base64
import json
from typing import Any

from checks.acceptance.object_store import CA, NAMESPACE, authority, environment
from deploy import catalog
from deploy.lab import tiny
from deploy.model import load_cluster, paths
from tests.lab.serving.models import (
    ANEW,
    DIGEST,
    PATIENCE,
    POPULATE,
    SERVER,
    endpoint,
    got,
    kubectl,
    settled,
    tokens,
)
from tests.lab.site import Site, until

FILLER = "slipway-tests-filler"
BALLAST, MEGABYTES = 12, 64  # files that take the fetch some seconds
VOLUMES = "/var/lib/slipway/volumes"
# ends the store when some files have come and others have not; says which have, with their inodes
KILLED = f"""
for turn in $(seq 10000); do
  cd {VOLUMES}/*_models_model-tiny-s3-1/.incoming-* 2>/dev/null || {{ sleep 0.05; continue; }}
  if [ "$(ls | grep -c '^ballast-[0-9]*$')" -ge 2 ]; then
    kill -KILL $(pgrep -f '^minio server') && stat -c '%n %i' $(ls | grep '^ballast-[0-9]*$')
    exit
  fi
  sleep 0.05
done
exit 1
"""
SMALL = "/data/small"


def filler(site: Site) -> dict[str, Any]:
    """Return a pod that has the store's Secret, rclone, and time."""
    declared = load_cluster(site.inventory).object_store
    assert declared is not None
    container = {
        "name": "filler",
        "image": catalog.lock.load(paths.lock_file(site.inventory)).image("rclone").pinned,
        "command": ["/bin/sh", "-c", "sleep 3600"],
        "env": environment(declared, FILLER),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [
            {"name": "ca", "mountPath": CA, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }
    security = {"runAsNonRoot": True, "runAsUser": 65532, "fsGroup": 65532}
    spec = {
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "securityContext": security | {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "ca", **authority(declared)}, {"name": "tmp", "emptyDir": {}}],
    }
    metadata = {"name": FILLER, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def filled(site: Site, prefix: str, files: int, megabytes: int) -> str:
    """Put the tiny model and some random files below a prefix of the bucket; return the digest of all."""

    def inside(script: str) -> str:
        return kubectl(site, "--namespace", NAMESPACE, "exec", FILLER, "--", "sh", "-ec", script)

    kubectl(site, "apply", "--filename=-", stdin=json.dumps(filler(site)))
    try:
        ready = "--for=condition=Ready"
        kubectl(site, "--namespace", NAMESPACE, "wait", ready, f"pod/{FILLER}", "--timeout=300s")
        inside(f"mkdir -p /tmp/{prefix}")
        folder = f"/var/lib/kubelet/pods/{uid(site, FILLER)}/volumes/kubernetes.io~empty-dir/tmp/{prefix}"
        for name, content in tiny.files().items():  # too long for the stdin of a `kubectl exec`
            text = base64.encodebytes(content).decode()
            site.lab.exec("n2", ["sh", "-ec", f"base64 -d >{folder}/{name}"], stdin=text)
        size = megabytes << 20
        numbers = " ".join(map(str, range(files)))
        inside(
            f"cd /tmp/{prefix}; for n in {numbers}; do head -c {size} /dev/urandom >ballast-$n; done\n"
            f"rclone copy /tmp/{prefix} store:models/{prefix}"
        )
        return f"sha256:{inside(f'cd /tmp/{prefix}; {DIGEST}')}"
    finally:
        kubectl(site, "--namespace", NAMESPACE, "delete", "pod", FILLER, "--ignore-not-found")


def declare(site: Site, name: str, **values: Any) -> None:
    """Declare one more model, whose files are in the bucket, or the one of this name otherwise."""
    others = [model for model in site.data["models"] if model["name"] != name]
    more = {"name": name, "source": {"s3": f"s3://models/{name}"}, "cpu": "100m", **values}
    site.data["models"] = [*others, {**others[0], **more}]
    site.lab.write_lock(site.write())


def uid(site: Site, pod: str) -> str:
    """Return the identity of a pod of the store's namespace."""
    return str(got(site, "--namespace", NAMESPACE, "pod", pod)["metadata"]["uid"])


def test_a_store_that_is_killed_while_a_model_is_fetched_is_waited_for_and_the_rest_is_fetched(
    llm: Site,
) -> None:
    declare(llm, "tiny-s3", checksum=filled(llm, "tiny-s3", BALLAST, MEGABYTES), weights="800Mi")
    before = uid(llm, "minio-0")

    running = llm.start("apply", "--yes")
    came = llm.on("n2", KILLED, check=False).splitlines()
    kubectl(llm, "--namespace", NAMESPACE, "delete", "pod", "minio-0", "--wait=false")
    said, _ = running.communicate(timeout=PATIENCE)

    assert 2 <= len(came) < BALLAST, f"{came}\n{said}"
    assert running.returncode == 0, said
    assert uid(llm, "minio-0") != before
    folder = f"{VOLUMES}/*_models_model-tiny-s3-1/[0-9a-f]*"
    after = llm.on("n2", f"cd {folder} && stat -c '%n %i' ballast-*").splitlines()
    assert len(after) == BALLAST
    assert set(came) <= set(after), "a file that had come was fetched again"
    [wanted] = [each["checksum"] for each in llm.data["models"] if each["name"] == "tiny-s3"]
    assert f"sha256:{llm.on('n2', f'cd {folder} && {DIGEST}')}" == wanted
    assert tokens(endpoint(llm, "tiny-s3"), "tiny-s3") == 8
    assert llm.plan(code=0) == []


def test_a_prefix_without_objects_is_said_with_what_belongs_there_and_nothing_is_served(llm: Site) -> None:
    kept = llm.data["models"]
    declare(llm, "tiny-none", checksum=f"sha256:{'0' * 64}", weights="20Mi")

    try:
        said = refused(llm)
    finally:
        llm.data["models"] = kept
        llm.lab.write_lock(llm.write())

    put = (
        "rclone copy --s3-no-check-bucket FOLDER :s3:models/tiny-none/, told of the store as README.md shows"
    )
    there = "put the model's files there, then apply again"
    assert f"no object lies under s3://models/tiny-none; {there}: {put}" in said
    selector = f"--selector={SERVER.format('tiny-none')}"
    assert kubectl(llm, "--namespace=models", "get", "deployments,pods", selector, "--output=name") == ""
    jobs = got(llm, "--namespace=models", "jobs", f"--selector={POPULATE.format('tiny-none')}")["items"]
    [ended] = [
        [each["reason"] for each in job["status"]["conditions"] if each["type"] == "Failed"] for job in jobs
    ]
    assert ended == ["PodFailurePolicy"], "it was tried again, though nothing can come of it"
    assert settled(llm)
    model = "--selector=slipway.dev/model=tiny-none"
    kubectl(llm, "--namespace=models", "delete", "jobs,persistentvolumeclaims", model)
    assert llm.plan(code=0) == []


def test_a_disk_that_is_too_small_or_full_is_said_and_nothing_half_fetched_is_served(llm: Site) -> None:
    """A small file system in memory stands in for the disk; it holds 60 MiB of the model's 98."""
    llm.on("n2", f"mkdir -p {SMALL} && mount -t tmpfs -o size=60m,mode=0755 tmpfs {SMALL}")
    llm.data["storage"]["volumes"] = [{"name": "small", "node": "w1", "path": SMALL, "size": "2Gi"}]
    digest = filled(llm, "tiny-full", 3, 32)
    small = {"checksum": digest, "storage_class": "slipway-local"}

    declare(llm, "tiny-full", weights="640Mi", **small)
    assert (
        "0.0 GiB are free on the volume, wanted 1.3 GiB: 2.2 times the weights; make room there, or give"
        " the model another volume"
    ) in refused(llm)
    declare(llm, "tiny-full", weights="20Mi", **small)
    assert "the volume is full; make room, and apply again, which goes on from what came" in refused(llm)

    selector = f"--selector={SERVER.format('tiny-full')}"
    assert kubectl(llm, "--namespace=models", "get", "deployments,pods", selector, "--output=name") == ""
    assert [name for name in llm.on("n2", f"ls -A {SMALL}").split() if not name.startswith(".")] == []
    assert settled(llm)

    llm.on("n2", f"mount -o remount,size=400m {SMALL}")
    llm.ok("apply", "--yes", timeout=PATIENCE)

    assert f"sha256:{llm.on('n2', f'cd {SMALL}/[0-9a-f]* && {DIGEST}')}" == digest
    until(lambda: settled(llm, "tiny-full"), ANEW, "an answer of the model that was fetched", every=2.0)


def refused(site: Site) -> str:
    """Run an apply that must fail; return what it said, its lines joined."""
    done = site.slipway("apply", "--yes", timeout=PATIENCE)
    assert done.returncode == 3, done.stdout + done.stderr
    return " ".join(f"{done.stdout} {done.stderr}".split())
