"""Waiting for pods in shell on the host that speaks: bounded, and ending with why they are not ready."""

from __future__ import annotations

import shlex

# containers that ended three times do not come up by waiting
FUNCTIONS = r"""
of() { kubectl "$@" --namespace "$namespace"; }
explain() { # SELECTOR: what its pods wait for, what they wrote last, the last warnings
  ended='{.state.terminated.reason} {.lastState.terminated.reason}'
  each="{.state.waiting.reason} {.state.waiting.message} $ended"
  shape='{range .items[*]}{.metadata.name}: {.status.phase}'
  shape="$shape"'{range .status.conditions[?(@.status=="False")]} {.reason} {.message};{end}'
  shape="$shape{range .status.initContainerStatuses[*]} $each{end}"
  shape="$shape{range .status.containerStatuses[*]} $each{end}"'{"\n"}{end}'
  pods=$(of get pods --selector "$1" -o jsonpath="$shape" 2>&1)
  wrote=$(of logs --selector "$1" --all-containers --tail=12 --ignore-errors 2>&1)
  shape='{range .items[*]}{.involvedObject.name}: {.message}{"\n"}{end}'
  newest='--field-selector type=Warning --sort-by=.lastTimestamp'
  warned=$(of get events $newest -o jsonpath="$shape" 2>&1 | tail -n 3)
  said=$(printf '%s\n' "$pods" "$wrote" "$warned" | tr -s ' ' | grep -v '^ *$')
  printf '%s\n' "$said" >&2
  case $said in
    *OutOfMemoryError* | *'No available memory for the cache blocks'* | *'larger than the maximum number'*)
      echo 'The memory of the GPU, or for the KV cache, is too small: lower context or concurrency' >&2 ;;
    *OOMKilled*) echo 'The memory of the pod is too small: raise models[].memory' >&2 ;;
    *Insufficient* | *'cannot allocate all claims'*)
      echo 'No node has that much left: lower cpu, memory or gpus, or free some; models that are declared' \
        'no more keep theirs, and slipway verify --passive names them (SRV-11)' >&2 ;;
    *ImagePullBackOff* | *ErrImagePull*) echo 'Its image cannot be pulled' >&2 ;;
  esac
}
fail() { # TEXT SELECTOR
  echo "$1" >&2
  explain "$2"
  exit 1
}
wait_job() { # NAME SECONDS
  end=$(($(date +%s) + $2))
  pods=batch.kubernetes.io/job-name=$1
  true='{range .status.conditions[?(@.status=="True")]}{.type} {end}'
  while :; do
    case $(of get job "$1" -o jsonpath="$true") in
      *Complete*) return ;;
      *Failed*) fail "Job $1 failed:" "$pods" ;;
    esac
    [ "$(date +%s)" -lt "$end" ] || fail "Job $1 is not done after $2 s:" "$pods"
    sleep 1
  done
}
wait_deployment() { # NAME SELECTOR SECONDS
  end=$(($(date +%s) + $3))
  until of rollout status --timeout=4s "deployment/$1" >/dev/null 2>&1; do
    all='{.items[*].status.containerStatuses[*]'
    case $(of get pods --selector "$2" -o jsonpath="$all.state.waiting.reason}") in
      *CrashLoopBackOff*)
        for count in $(of get pods --selector "$2" -o jsonpath="$all.restartCount}"); do
          [ "$count" -lt 3 ] || fail "The pods of $1 keep ending:" "$2"
        done ;;
    esac
    [ "$(date +%s)" -lt "$end" ] || fail "Deployment $1 is not ready after $3 s:" "$2"
    sleep 1
  done
}
"""


def prelude(namespace: str) -> str:
    """Return the shell that the waits stand on."""
    return f"namespace={shlex.quote(namespace)}\n{FUNCTIONS.strip()}"


def job(name: str, seconds: int) -> str:
    """Return the shell that waits until a Job is complete; its failure is the error."""
    return shlex.join(["wait_job", name, str(seconds)])


def deployment(name: str, selector: str, seconds: int) -> str:
    """Return the shell that waits until a Deployment's newest pods are ready, unless they keep ending."""
    return shlex.join(["wait_deployment", name, selector, str(seconds)])
