"""An active verify of the object store: a pod with the user's credentials puts, reads back and deletes.

The credentials stay in their Secret: the pod lives beside it, for a moment, and its log holds digests only.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any

from checks.acceptance import probe
from checks.acceptance.gates import Gate, Tell, wait
from checks.acceptance.hands import Kubectl
from checks.acceptance.pods import Pod, pod
from checks.cluster.snapshot import OWNED
from checks.finding import Finding
from checks.say import judged, unread
from deploy.catalog import LockedImage
from deploy.model import ObjectStore

ROUND, REFUSED = "S3-02", "S3-04"
CHECKS = (ROUND, REFUSED)
NAMESPACE = "object-store"
SECRET = "object-store-user"  # noqa: S105 - the name of one
TLS = "minio-tls"
CA = "/run/ca"
TMP = "/tmp"  # noqa: S108 - the pod's own
SIZE = 1 << 20
# what rclone says beside the cause
NOISE = re.compile(r"Attempt \d+/\d+ failed with \d+ errors and: |RequestID: \S+ |HostID: \S+ ")
ENDED = Gate("the object store's probe", 120.0, every=0.5)  # its image may have to be pulled first
# rclone.org/s3: an environment variable for each option of a remote, here `store`; `anyone` has no keys.
# A pattern without a leading slash fits at any depth, and lets through all folders of the bucket.
# A policy lets a new pod in when the store's node knows of it: with kube-router, soon after its start.
SCRIPT = f"""
for turn in 1 2 3 4 5 6 7 8 9 10; do
  case $(rclone lsf --max-depth 1 "store:$BUCKET" 2>&1) in *"connection refused"*) sleep 1;; *) break;; esac
done
object=store:$BUCKET/$OBJECT
head -c {SIZE} /dev/urandom > {TMP}/written
echo "written $(sha256sum < {TMP}/written)"
rclone copyto {TMP}/written "$object" && echo "put"
rclone copyto "$object" {TMP}/read && echo "read $(sha256sum < {TMP}/read)"
rclone deletefile "$object" && echo "deleted"
left=$(rclone lsf --files-only --include "/$OBJECT" "store:$BUCKET") && [ -z "$left" ] && echo "gone"
for bucket in $BUCKETS; do
  rclone lsf --max-depth 1 "store:$bucket" >/dev/null && echo "bucket $bucket"
done
if said=$(rclone lsf --max-depth 1 "anyone:$BUCKET" 2>&1); then echo "open"; else
  case $said in *AccessDenied*|*403*|*Forbidden*) echo "refused";; esac
fi
exit 0
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What the pod's log says."""

    facts: dict[str, str]
    buckets: frozenset[str]
    error: str


def told(log: str) -> Told:
    """Read the log: our own words, and the first error of rclone's, or the last that anybody else said."""
    facts: dict[str, str] = {}
    buckets: set[str] = set()
    errors: list[str] = []
    others: list[str] = []
    for line in log.splitlines():
        match line.split():
            case ["bucket", name]:
                buckets.add(name)
            case [("put" | "deleted" | "gone" | "open" | "refused") as word]:
                facts[word] = ""
            case [("written" | "read") as word, digest, *_]:
                facts[word] = digest
            case [_, *_] if "ERROR" in line or "Failed" in line or "CRITICAL" in line:
                errors.append(NOISE.sub("", line.partition(" : ")[2] or line))
            case [_, *_] if "NOTICE" not in line:
                others.append(line)
    why = errors[:1] or others[-1:]
    return Told(facts, frozenset(buckets), why[0][:200] if why else "")


@dataclass(frozen=True, slots=True)
class StoreProbe:
    """One active verify of a store; `image` has rclone."""

    store: ObjectStore
    run: str
    image: LockedImage
    kubectl: Kubectl
    tell: Tell

    @property
    def name(self) -> str:
        """The pod, and the object."""
        return f"slipway-verify-{self.run.lower()}"

    @property
    def _path(self) -> str:
        return f"/api/v1/namespaces/{NAMESPACE}/pods/{self.name}"

    def findings(self) -> list[Finding]:
        """Run the pod, judge what it says, and take it away again."""
        self._remove(f"--selector={_selector()} --field-selector=status.phase!=Running,status.phase!=Pending")
        made = self.kubectl("create -f -", stdin=probe.manifest([self.pod()]))
        if made.rc != 0:
            why = made.err.strip() or f"kubectl create ended with {made.rc}"
            return [unread(check, None, why) for check in CHECKS]
        try:
            return self._judged()
        finally:
            self._remove(self.name)

    def _remove(self, words: str) -> None:
        gone = f"delete pods --namespace={NAMESPACE} --ignore-not-found --wait=false {words}"
        ran = self.kubectl(gone)
        if ran.rc != 0:
            self.tell(f"a pod of the probe was not removed: {ran.err.strip()}; kubectl {gone}")

    def _judged(self) -> list[Finding]:
        last: list[Pod] = []

        def ended() -> str | None:
            item = self.kubectl.get(self._path)
            last[:] = [pod(item)] if item else []
            phase = str(item.get("status", {}).get("phase", ""))
            why = last[0].why if last else "it could not be read"
            return None if phase in ("Succeeded", "Failed") else why or "it runs"

        cause = wait(ENDED, ended, self.tell)
        log = self.kubectl.raw(f"{self._path}/log").text
        if log is None:
            return [unread(check, None, cause or "the pod's log could not be read") for check in CHECKS]
        why = cause or (last[0].why if last else "")
        return [kept(self.store, told(log), why), closed(told(log), why)]

    def pod(self) -> dict[str, Any]:
        """Return the pod: it may do nothing but ask the store, with the user's own credentials."""
        container = {
            **probe.container(self.image.pinned, [SCRIPT]),
            "command": ["/bin/sh", "-c"],
            "env": environment(self.store, self.name),
            "volumeMounts": [
                {"name": "ca", "mountPath": CA, "readOnly": True},
                {"name": "tmp", "mountPath": TMP},
            ],
        }
        container["resources"] = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
        container["securityContext"] |= {"readOnlyRootFilesystem": True}
        spec = {
            **probe.pod([container]),
            "restartPolicy": "Never",
            "activeDeadlineSeconds": int(ENDED.bound) * 2,
            "securityContext": {"fsGroup": probe.USER, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [{"name": "ca", **authority(self.store)}, {"name": "tmp", "emptyDir": {}}],
        }
        metadata = {"name": self.name, "namespace": NAMESPACE, "labels": dict(OWNED)}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _selector() -> str:
    return shlex.quote(",".join(f"{key}={value}" for key, value in OWNED.items()))


def authority(store: ObjectStore) -> dict[str, Any]:
    """Return the volume of the CA that the store's certificate is checked with, if it is not a public one."""
    if store.is_external:
        return {
            "secret": {"secretName": SECRET, "items": [{"key": "ca.crt", "path": "ca.crt"}], "optional": True}
        }
    return {"secret": {"secretName": TLS, "items": [{"key": "ca.crt", "path": "ca.crt"}]}}


def environment(store: ObjectStore, name: str) -> list[dict[str, Any]]:
    """Return what rclone and the script are told; keys come from the Secret."""
    options = {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": store.url, "REGION": store.region}
    options |= {"FORCE_PATH_STYLE": "true", "NO_CHECK_BUCKET": "true"}
    plain = {
        **{
            f"RCLONE_CONFIG_{remote}_{key}": value
            for remote in ("STORE", "ANYONE")
            for key, value in options.items()
        },
        **({} if store.is_external and store.ca is None else {"RCLONE_CA_CERT": f"{CA}/ca.crt"}),
        "RCLONE_RETRIES": "1",
        "RCLONE_LOW_LEVEL_RETRIES": "3",
        "RCLONE_CONTIMEOUT": "10s",
        "RCLONE_TIMEOUT": "30s",
        "HOME": TMP,
        "XDG_CONFIG_HOME": TMP,
        "BUCKET": store.buckets[0],
        "BUCKETS": " ".join(store.buckets),
        "OBJECT": name,
    }
    keys = {"ACCESS_KEY_ID": "access-key", "SECRET_ACCESS_KEY": "secret-key"}
    return [
        *({"name": key, "value": value} for key, value in plain.items()),
        *(
            {
                "name": f"RCLONE_CONFIG_STORE_{variable}",
                "valueFrom": {"secretKeyRef": {"name": SECRET, "key": key}},
            }
            for variable, key in keys.items()
        ),
    ]


def kept(store: ObjectStore, said: Told, cause: str | None) -> Finding:
    """Judge the round: what was put is read back byte for byte, and gone when it is deleted."""
    facts, missing = said.facts, [name for name in store.buckets if name not in said.buckets]
    steps = {
        "put": "put" in facts,
        "read back": "written" in facts and facts.get("read") == facts["written"],
        "deleted": {"deleted", "gone"} <= facts.keys(),
    }
    failed = [step for step, done in steps.items() if not done]
    why = said.error or cause or ""
    parts = [f"1 MiB in {store.buckets[0]} was not {' or '.join(failed)}"] if failed else []
    parts += [f"no bucket {', '.join(missing)} can be listed"] if missing else []
    good = f"1 MiB put into {store.buckets[0]}, read back and deleted; {len(said.buckets)} buckets"
    return judged(
        ROUND,
        None,
        not parts,
        found=": ".join(filter(None, ["; ".join(parts), why])) if parts else good,
        wanted="what is put is read back, byte for byte, and every bucket is there",
    )


def closed(said: Told, cause: str | None) -> Finding:
    """Judge whether somebody without a key was refused; silence is no refusal."""
    if "open" not in said.facts and "refused" not in said.facts:
        return unread(REFUSED, None, said.error or cause or "nobody was refused, and nobody let in")
    good = "refused" in said.facts
    found = "refused" if good else "a bucket can be listed without a key"
    return judged(REFUSED, None, good, found=found, wanted="refused")
