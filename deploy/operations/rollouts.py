"""Workloads that read a Secret when they start: their pods are not older than it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.rollouts import PodAges
from deploy.model.row import Disturbs
from deploy.observe import kube
from deploy.observe.secrets import Where
from deploy.operations import notes
from deploy.operations.kube import Commands, asked


@operation()
def current(workload: str, namespace: str, selector: str, secrets: Sequence[Where]) -> Commands:
    """Every pod of the workload (`deployment/x`) was made after the last change of these Secrets.

    A certificate or a password is read once, so pods that are older are replaced by a rollout.
    """
    found = host.get_fact(PodAges, namespace=namespace, selector=selector, secrets=list(secrets))
    if not asked(kube.Objects(found.reach, errors=found.errors)):
        return
    outdated = found.outdated()
    if not outdated:
        return
    for text in outdated:
        notes.reason(text)
    notes.disturbs(Disturbs.PODS)
    restart = shlex.join(["kubectl", "rollout", "restart", "-n", namespace, workload])
    yield StringCommand(f"{kube.ENVIRONMENT}; {restart} >/dev/null")
