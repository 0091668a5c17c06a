"""A release as wished for: when it is left alone, when it is made again, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy.errors import HostError
from deploy.observe import helm as observed
from deploy.observe.helm import Revision
from deploy.operations import helm
from deploy.operations.helm import Release
from tests.unit.observe.test_helm import LIVE, secret
from tests.unit.operations.conftest import Plan, read

RELEASE = Release(
    "metallb", "metallb-system", "/var/lib/slipway/charts/metallb-0.16.2.tgz", "abc", {"a": {"b": 1}}
)


def said(secrets: list[Any], live: list[Any]) -> dict[str, str]:
    return {
        "/secrets?labelSelector=": read({"apiVersion": "v1", "kind": "SecretList", "items": secrets}),
        "curl -sS": read(*live),
    }


def test_a_release_that_is_as_wished_is_left_alone(plan: Plan) -> None:
    stored = secret(3, "deployed", desired=RELEASE.desired)

    planned = plan(helm.released, RELEASE, answers=said([stored], LIVE))

    assert (planned.commands, planned.reasons) == ([], [])


def test_a_hand_edited_object_of_a_release_makes_it_be_applied_again(plan: Plan) -> None:
    stored = secret(3, "deployed", desired=RELEASE.desired)
    edited = [json.loads(json.dumps(LIVE[0]).replace('"replicas": 1', '"replicas": 5')), *LIVE[1:]]

    planned = plan(helm.released, RELEASE, answers=said([stored], edited))

    assert planned.reasons == ["Deployment metallb-system/controller differs at spec.replicas"]
    assert len(planned.commands) == 1


def test_values_come_on_stdin_and_an_unfinished_revision_is_forgotten_by_name(plan: Plan) -> None:
    planned = plan(helm.released, RELEASE, answers=said([], []))

    [command] = planned.commands
    assert command == (
        "export KUBECONFIG=/etc/kubernetes/admin.conf "
        "HELM_CACHE_HOME=/run/slipway/helm HELM_CONFIG_HOME=/run/slipway/helm\n"
        "mkdir -p /run/slipway; exec 9>/run/slipway/helm.lock; flock -w 300 9 || exit 1\n"
        "values=$(cat); kubectl delete secret -n metallb-system --ignore-not-found "
        "-l 'owner=helm,name=metallb,status in (pending-install,pending-upgrade,pending-rollback)' "
        ">/dev/null || exit 1\n"
        "printf '%s' \"$values\" | helm upgrade metallb /var/lib/slipway/charts/metallb-0.16.2.tgz --install "
        "--namespace metallb-system --create-namespace --server-side=true --force-conflicts --history-max=3 "
        f"--reset-values --labels slipway.dev/desired={RELEASE.desired} --hide-notes --timeout=120s -f -"
    )
    assert planned.stdin == ["a:\n  b: 1\n"]
    assert planned.reasons == ["release metallb-system/metallb is missing"]


@pytest.mark.parametrize(
    ("newest", "text"),
    [
        (
            Revision(2, "pending-upgrade", None, ()),
            "revision 2 was interrupted (pending-upgrade) and is made again",
        ),
        (Revision(2, "failed", RELEASE.desired, ()), "revision 2 is failed, wanted deployed"),
        (Revision(2, "deployed", "other", ()), "revision 2 was made of another chart or other values"),
    ],
)
def test_a_release_that_is_not_as_wished_says_why(newest: Revision, text: str) -> None:
    assert helm.stale(RELEASE, [newest]) == [f"release metallb-system/metallb: {text}"]


@pytest.mark.parametrize("status", ["deployed", "failed", "pending-upgrade"])
def test_a_release_that_slipway_has_not_made_is_left_to_its_owner(plan: Plan, status: str) -> None:
    with pytest.raises(HostError) as refused:
        plan(helm.released, RELEASE, answers=said([secret(1, "superseded"), secret(2, status)], LIVE))

    assert str(refused.value) == (
        "release metallb-system/metallb is in the way and was not made by slipway; "
        "remove it: helm uninstall metallb --namespace metallb-system"
    )


def test_a_release_of_slipway_that_was_changed_by_hand_is_made_again(plan: Plan) -> None:
    stored = [secret(1, "superseded", desired=RELEASE.desired), secret(2, "deployed")]

    planned = plan(helm.released, RELEASE, answers=said(stored, LIVE))

    assert planned.reasons == ["release metallb-system/metallb: revision 2 was not made by slipway"]


def test_the_same_values_in_another_order_are_the_same_wish() -> None:
    one = Release("x", "x", "/c", "abc", {"a": 1, "b": 2})
    other = Release("x", "x", "/c", "abc", {"b": 2, "a": 1})

    assert one.desired == other.desired
    assert one.desired != Release("x", "x", "/c", "abd", {"a": 1, "b": 2}).desired
    assert len(one.desired) <= 63
    assert observed.DESIRED == "slipway.dev/desired"
