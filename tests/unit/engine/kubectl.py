"""A cluster's API as its nodes show it, to be read by a kubectl that answers from files."""

from __future__ import annotations

# The API server's stand-in: answers from files, and writes down what it is asked to change.
KUBECTL = """#!/bin/sh
cd {directory}
answer() {{ printf '%s\\n=== slipway 200 https://api\\n' "$1"; }}
case "$*" in
"read /readyz") test -e down || answer ok ;;
"read /api/v1/nodes") answer "$(cat nodes.json)" ;;
*"get lease "*) printf '{{"spec": {{"renewTime": "%s"}}}}\\n' "$(date -u +%Y-%m-%dT%H:%M:%S.999999Z)" ;;
"get node "*) cat node.json; echo ;;
"get pods "*) cat pods.json; echo ;;
*) echo "$*" | sed 's/=20.*Z/=DATE/' >> calls ;;
esac
"""


def node(name: str, *, ready: bool = True, annotations: dict[str, str] | None = None) -> dict[str, object]:
    return {
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def pod(name: str, *, ready: bool, phase: str = "Running") -> dict[str, object]:
    return {
        "metadata": {"namespace": "default", "name": name},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]},
    }
