"""Claims: what a volume cannot do is refused in words, and what is in one outlives its claim."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.errors import HostError
from deploy.model.sizes import in_bytes
from deploy.operations import volumes
from deploy.operations.volumes import Claim
from tests.unit.operations.conftest import MISSING, Plan, Planned, read


def claim(size: str = "100Gi", storage_class: str | None = None) -> Claim:
    return Claim("object-store", "minio", size, "object_store.size", storage_class)


def living(size: str = "100Gi", volume: str | None = "pvc-1") -> dict[str, Any]:
    spec = {"resources": {"requests": {"storage": size}}, "storageClassName": "local-path"}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "minio", "namespace": "object-store"},
        "spec": spec | ({"volumeName": volume} if volume else {}),
    }


def others(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields}


def answers(live: dict[str, Any] | None, *more: dict[str, Any]) -> dict[str, Any]:
    return {
        "/persistentvolumeclaims/minio": read(live) if live else MISSING,
        "/storageclasses": read(*more),
        "/api/v1/persistentvolumes/pvc-1": read(*more),
    }


def fit(plan: Plan, wanted: Claim, live: dict[str, Any] | None, *classes: dict[str, Any]) -> Planned:
    return plan(volumes.fit, [wanted], answers=answers(live, *classes))


@pytest.mark.parametrize("size", ["100Gi", "102400Mi", "107374182400"])
def test_the_same_size_in_any_words_is_the_same(plan: Plan, size: str) -> None:
    assert fit(plan, claim(size, "local-path"), living()).commands == []
    assert fit(plan, claim(size), None).commands == []


def test_a_volume_is_never_made_smaller(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        fit(plan, claim("50Gi"), living())

    assert str(error.value) == (
        "object_store.size: PersistentVolumeClaim object-store/minio has 100Gi, the inventory now says 50Gi,"
        " and no volume can be made smaller; put 100Gi back, or copy what is in it to a smaller one yourself"
    )


def test_a_volume_grows_where_its_class_can(plan: Plan) -> None:
    growing = others("StorageClass", "local-path", allowVolumeExpansion=True)
    assert fit(plan, claim("200Gi"), living(), growing).commands == []

    with pytest.raises(HostError) as error:
        fit(plan, claim("200Gi"), living(), others("StorageClass", "local-path"))

    assert str(error.value) == (
        "object_store.size: PersistentVolumeClaim object-store/minio has 100Gi, the inventory now says 200Gi,"
        " and volumes of the class local-path cannot grow; put 100Gi back: what it really may hold is what"
        " its disk has"
    )


def test_a_volume_does_not_move_to_another_class(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        fit(plan, claim(storage_class="ceph"), living())

    assert str(error.value) == (
        "object_store.size: PersistentVolumeClaim object-store/minio is of the class local-path,"
        " the inventory now says ceph, and a volume cannot change its class; put local-path back"
    )


def retained(plan: Plan, live: dict[str, Any] | None, policy: str) -> Planned:
    volume = others("PersistentVolume", "pvc-1", spec={"persistentVolumeReclaimPolicy": policy})
    return plan(volumes.retained, [claim()], "object-store", answers=answers(live, volume))


def test_a_volume_that_is_kept_already_is_left_alone(plan: Plan) -> None:
    assert retained(plan, living(), "Retain").commands == []


def test_a_volume_that_would_be_deleted_with_its_claim_is_kept(plan: Plan) -> None:
    planned = retained(plan, living(), "Delete")

    assert planned.reasons == [
        "the volume of PersistentVolumeClaim object-store/minio would be deleted with it"
    ]
    assert planned.notes.until is None
    [command] = planned.commands
    assert """--patch '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'""" in command


@pytest.mark.parametrize("live", [None, living(volume=None)], ids=["no claim", "not bound"])
def test_a_claim_without_its_volume_is_looked_at_when_it_is_bound(
    plan: Plan, live: dict[str, Any] | None
) -> None:
    planned = retained(plan, live, "Delete")

    assert (planned.notes.until, len(planned.commands)) == ("object-store", 1)


@pytest.mark.parametrize(
    ("size", "count"), [("4096", 4096), ("1k", 1000), ("1.5Ki", 1536), ("2Ti", 2 << 40), ("1P", 10**15)]
)
def test_sizes_are_counted_as_kubernetes_counts_them(size: str, count: int) -> None:
    assert in_bytes(size) == count


@pytest.mark.parametrize("text", ["", "100m", "Gi", "1 Gi", "-1"])
def test_what_is_no_size_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="no quantity of bytes"):
        in_bytes(text)
