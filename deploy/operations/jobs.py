"""Jobs that have run once: a completed one is done, a failed one is made anew."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.kube import Read
from deploy.observe import api, kube
from deploy.observe.kube import Object
from deploy.operations import notes
from deploy.operations.kube import Commands, as_list, asked

NAME = "app.kubernetes.io/name"
LAST_WORDS = 20  # lines of a failed Job's log
DIGITS = 10  # of the digest in a name
MET = '{.status.conditions[?(@.status=="True")].type}'

_RUN = f"""
job=$(cat)
[ -z "$outdated" ] \\
  || kubectl delete job --namespace="$namespace" --ignore-not-found --timeout=120s $outdated >/dev/null \\
  || exit 1
printf %s "$job" | kubectl apply --server-side --field-manager={kube.FIELD_MANAGER} --force-conflicts -f - \
  >/dev/null || exit 1
end=$(( $(date +%s) + patience ))
while :; do
  case $(kubectl get job "$name" --namespace="$namespace" -o jsonpath='{MET}') in
    *Complete*) exit 0;;
    *Failed*) echo "Job $namespace/$name failed; its last words:" >&2; break;;
  esac
  [ "$(date +%s)" -lt "$end" ] || {{ echo "Job $namespace/$name has not ended in $patience s:" >&2; break; }}
  sleep 1
done
kubectl get pods --namespace="$namespace" --selector=job-name="$name" >&2
kubectl logs --namespace="$namespace" "job/$name" --all-containers --tail={LAST_WORDS} \\
  --pod-running-timeout=1s >&2
exit 1
"""


def named(base: str, job: Object) -> Object:
    """Return a Job whose name carries a digest of what it does: another specification is another Job."""
    text = json.dumps(job["spec"], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    return {**job, "metadata": {**job["metadata"], "name": f"{base}-{digest}"}}


def ended(job: Mapping[str, Any]) -> str | None:
    """Return how a Job ended, Complete or Failed; None while it has not."""
    conditions = (job.get("status") or {}).get("conditions") or []
    met = {each["type"] for each in conditions if each.get("status") == "True"}
    return next((how for how in ("Complete", "Failed") if how in met), None)


@operation()
def done(job: Object, patience: int = 300) -> Commands:
    """The Job has completed. One that failed is made anew, and others of its app's name are taken away.

    `patience` is how many seconds it may take; its log must hold no secret, for its end is shown.
    """
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
    app = job["metadata"]["labels"][NAME]
    found = host.get_fact(Read, paths=[api.listed("batch/v1", "Job", namespace, f"{NAME}={app}")])
    outdated: list[str] = []
    if asked(found):
        live = {key.name: each for key, each in found.live.items()}
        how = ended(live[name]) if name in live else None
        if how == "Complete":
            return
        outdated = [other for other in live if other != name or how == "Failed"]
        state = "has not run" if name not in live else "failed" if how else "still runs"
        notes.reason(f"Job {namespace}/{name} {state}")
    yield _run(namespace, name, outdated, patience, job)


def _run(namespace: str, name: str, outdated: Sequence[str], patience: int, job: Object) -> StringCommand:
    settings = {"namespace": namespace, "name": name, "outdated": " ".join(outdated), "patience": patience}
    given = " ".join(f"{key}={shlex.quote(str(value))}" for key, value in settings.items())
    return StringCommand(f"{kube.ENVIRONMENT}; {given}\n{_RUN.strip()}", _stdin=as_list([job]))
