"""A volume of the default storage class: written by one container of a pod, read back by the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.acceptance import probe
from checks.acceptance.gates import NOTICED, Gate, Tell, wait
from checks.acceptance.hands import Kubectl
from checks.acceptance.pods import Pod, pod
from checks.finding import Finding
from checks.say import judged, skipped, unread

CHECK = "K8S-17"
NAME = "volume"
FILE = "/data/probe"
# what agnhost's mounttest writes (kubernetes/kubernetes test/images/agnhost/mounttest/mt.go)
WRITTEN = "mount-tester new file"
SIZE = "16Mi"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
USED = Gate("the probe's volume", NOTICED + 60.0, every=0.5)  # a provisioner may pull an image of its own
WANTED = "what was written is read back"


@dataclass(frozen=True, slots=True)
class Class:
    """The storage class that a claim without a name gets; `why_not` says why none is tried."""

    name: str = ""
    why_not: str | None = None


def default(classes: Sequence[Mapping[str, Any]]) -> Class:
    """Return the default class; one that keeps its volumes would be left with one that nobody wants."""
    names = sorted(each["metadata"]["name"] for each in classes)
    marked = [each for each in classes if (each["metadata"].get("annotations") or {}).get(DEFAULT) == "true"]
    if not names:
        return Class(why_not="there is no storage class")
    if not marked:
        return Class(why_not=f"no storage class is the default one (there are: {', '.join(names)})")
    # of several the API takes the newest, and of those of one second the first by name
    newest = max(each["metadata"].get("creationTimestamp", "") for each in marked)
    latest = [each for each in marked if each["metadata"].get("creationTimestamp", "") == newest]
    chosen = min(latest, key=lambda each: str(each["metadata"]["name"]))
    name = str(chosen["metadata"]["name"])
    if chosen.get("reclaimPolicy", "Delete") != "Delete":
        return Class(name, f"the class {name} keeps its volumes, so a probe would leave one behind")
    return Class(name)


def objects(where: str, image: str) -> list[dict[str, Any]]:
    """Return a claim on the default class, and a pod that writes to it and then reads."""
    metadata = {"name": NAME, "namespace": where}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": SIZE}}},
    }
    mounted = {"volumeMounts": [{"name": NAME, "mountPath": "/data"}]}
    writer = probe.container(image, ["mounttest", f"--new_file_0644={FILE}"]) | {"name": "writer"} | mounted
    reader = probe.container(image, ["mounttest", f"--file_content={FILE}"]) | {"name": "reader"} | mounted
    spec = {
        **probe.pod([reader]),
        "initContainers": [writer],
        "restartPolicy": "Never",
        "securityContext": {"fsGroup": probe.USER},
        "volumes": [{"name": NAME, "persistentVolumeClaim": {"claimName": NAME}}],
    }
    return [claim, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}]


def finding(kubectl: Kubectl, where: str, image: str, tell: Tell) -> Finding:
    """Claim, write, read and judge; what was made is gone with the namespace."""
    answer = kubectl.raw(CLASSES)
    classes = answer.items()
    if classes is None:
        return unread(CHECK, None, answer.cause if answer.text is None else "the API listed no classes")
    chosen = default(classes)
    if chosen.why_not is not None:
        return skipped(CHECK, None, chosen.why_not)
    made = kubectl("create -f -", stdin=probe.manifest(objects(where, image)))
    if made.rc != 0:
        return unread(CHECK, None, made.err.strip() or f"kubectl create ended with {made.rc}")
    return _judged(kubectl, where, chosen.name, tell)


def _judged(kubectl: Kubectl, where: str, name: str, tell: Tell) -> Finding:
    path = f"/api/v1/namespaces/{where}/pods/{NAME}"
    phase, last = "", None

    def ended() -> str | None:
        nonlocal phase, last
        item = kubectl.get(path)
        phase = str(item.get("status", {}).get("phase", ""))
        last = pod(item) if item else None
        return None if phase in ("Succeeded", "Failed") else _why(last)

    cause = wait(USED, ended, tell)
    if cause is not None:
        if last is None or last.unpulled:
            return unread(CHECK, None, cause)
        return judged(CHECK, None, False, found=f"class {name}: {cause}", wanted=WANTED)
    if phase == "Failed":
        return judged(CHECK, None, False, found=f"class {name}: {_why(last)}", wanted=WANTED)
    return _read(kubectl.raw(f"{path}/log?container=reader").text, name)


def _read(log: str | None, name: str) -> Finding:
    """Judge by what the reader printed: that a pod ended well is no proof that it read anything."""
    if log is None:
        return unread(CHECK, None, "the log of the pod that read could not be read")
    found = f"a volume of class {name}: {' '.join(log.split())[:120] or 'nothing was read'}"
    return judged(CHECK, None, WRITTEN in log, found=found, wanted=WANTED)


def _why(found: Pod | None) -> str:
    return "its pod could not be read" if found is None else found.why or "it starts"
