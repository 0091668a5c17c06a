from __future__ import annotations

import pytest

from deploy.errors import HostError, InventoryError
from deploy.model.row import Disturbs
from deploy.operations import artifacts
from deploy.operations.artifacts import Installed
from tests.unit.operations.conftest import Plan

A, B, C = "a" * 64, "b" * 64, "c" * 64
FACT, HASHES = "stat --printf='file", "set --"
END = "end-of-artifacts"
KUBELET = Installed("https://dl.k8s.io/kubelet", A, "/usr/local/bin/kubelet")
CONTAINERD = Installed(
    "https://x/containerd.tar.gz",
    B,
    members={"bin/ctr": "/usr/local/bin/ctr", "bin/shim": "/usr/local/bin/shim"},
)


def placed(dest: str, stat: str = "1 2 3.0", mode: str = "755", kind: str = "regular file") -> str:
    return f"file\t{kind}\t{mode}\troot:root\t{stat}\t{dest}"


def stamp(dest: str, artifact: str, file: str, stat: str = "1 2 3.0") -> str:
    return f"stamp\t{artifact}\t{file}\t{stat}\t{dest}"


def kubelet(*lines: str, **hashes: str) -> dict[str, list[str]]:
    return {
        FACT: [*lines, END],
        HASHES: [*(f"{digest}  /usr/local/bin/{name}" for name, digest in hashes.items()), "end-of-files"],
    }


def test_a_stamp_that_fits_is_enough(plan: Plan) -> None:
    dest = "/usr/local/bin/kubelet"

    planned = plan(
        artifacts.installed, [KUBELET], answers=kubelet(placed(dest), stamp(dest, A, A), kubelet=C)
    )

    assert (planned.commands, planned.reasons) == ([], [])


def test_rehashing_finds_what_a_stamp_hides(plan: Plan) -> None:
    dest = "/usr/local/bin/kubelet"
    answers = kubelet(placed(dest), stamp(dest, A, A), kubelet=C)

    planned = plan(artifacts.installed, [KUBELET], rehash=True, answers=answers)

    assert len(planned.commands) == 1
    assert planned.reasons == [f"{dest} was replaced: its sha256 is {C}, {A} was installed"]


def test_a_missing_binary_is_fetched_and_disturbs_nothing(plan: Plan) -> None:
    planned = plan(artifacts.installed, [KUBELET], disturbs=Disturbs.PODS, answers=kubelet())

    [script] = planned.stdin
    assert planned.commands == ["sh -s -- https://dl.k8s.io/kubelet"]
    assert f"url=https://dl.k8s.io/kubelet sum={A} " in script
    assert planned.reasons == ["/usr/local/bin/kubelet is missing"]
    assert planned.notes.disturbs is Disturbs.NOTHING


def test_a_guard_is_asked_only_before_something_is_installed(plan: Plan) -> None:
    def guard() -> None:
        raise HostError("not on this one")

    dest = "/usr/local/bin/kubelet"
    fits = kubelet(placed(dest), stamp(dest, A, A))

    assert plan(artifacts.installed, [KUBELET], guard=guard, answers=fits).commands == []
    with pytest.raises(HostError, match="not on this one"):
        plan(artifacts.installed, [KUBELET], guard=guard, answers=kubelet())


def test_a_binary_replaced_by_hand_is_fetched_again(plan: Plan) -> None:
    dest = "/usr/local/bin/kubelet"
    answers = kubelet(placed(dest, "9 9 9.0"), stamp(dest, A, A), kubelet=C)

    planned = plan(artifacts.installed, [KUBELET], disturbs=Disturbs.PODS, answers=answers)

    assert len(planned.commands) == 1
    assert planned.reasons == [f"{dest} was replaced: its sha256 is {C}, {A} was installed"]
    assert planned.notes.disturbs is Disturbs.PODS


@pytest.mark.parametrize("stamps", [[stamp("/usr/local/bin/kubelet", A, A)], []], ids=["old", "none"])
def test_a_binary_with_the_right_content_is_stamped_and_not_fetched(plan: Plan, stamps: list[str]) -> None:
    dest = "/usr/local/bin/kubelet"
    answers = kubelet(placed(dest, "9 9 9.0"), *stamps, kubelet=A)

    planned = plan(artifacts.installed, [KUBELET], disturbs=Disturbs.PODS, answers=answers)

    [command] = planned.commands
    assert command.endswith(f"&& stamp {dest} {A} {A} /var/lib/slipway/stamps/usr-local-bin-kubelet")
    assert planned.reasons == [f"{dest} is as pinned, but its stamp is not of this file"]
    assert planned.notes.disturbs is Disturbs.NOTHING


def test_a_rehash_that_finds_nothing_changes_nothing(plan: Plan) -> None:
    dest = "/usr/local/bin/kubelet"
    answers = kubelet(placed(dest), stamp(dest, A, A), kubelet=A)

    assert plan(artifacts.installed, [KUBELET], rehash=True, answers=answers).commands == []


def test_a_binary_that_could_not_be_hashed_is_not_taken_for_good(plan: Plan) -> None:
    dest = "/usr/local/bin/kubelet"
    answers = kubelet(placed(dest, "9 9 9.0"), stamp(dest, A, A))

    planned = plan(artifacts.installed, [KUBELET], answers=answers)

    assert (len(planned.commands), planned.reasons) == (1, [f"{dest} could not be hashed"])


def test_another_version_is_fetched(plan: Plan) -> None:
    dest = "/usr/local/bin/kubelet"
    answers = kubelet(placed(dest), stamp(dest, C, C), kubelet=C)

    planned = plan(artifacts.installed, [KUBELET], answers=answers)

    assert len(planned.commands) == 1
    assert planned.reasons == [f"{dest} comes from another kubelet than the lock file names"]
    assert planned.notes.diffs == [
        f"--- {dest}\n+++ {dest}\n@@ -1 +1 @@\n-sha256 {C}\n+sha256 {A} https://dl.k8s.io/kubelet"
    ]


def test_one_missing_member_fetches_the_archive_once(plan: Plan) -> None:
    answers = kubelet(placed("/usr/local/bin/ctr"), stamp("/usr/local/bin/ctr", B, C))

    planned = plan(artifacts.installed, [CONTAINERD], answers=answers)

    assert (len(planned.commands), planned.reasons) == (1, ["/usr/local/bin/shim is missing"])


def test_a_foreign_archive_member_is_replaced(plan: Plan) -> None:
    dests = list(CONTAINERD.members.values())
    answers = kubelet(*(placed(dest) for dest in dests), stamp(dests[0], B, C), shim=A)

    planned = plan(artifacts.installed, [CONTAINERD], answers=answers)

    assert planned.reasons == ["/usr/local/bin/shim was not installed by slipway"]


def test_a_wrong_mode_is_mended_and_stamped_again(plan: Plan) -> None:
    dest = "/usr/local/bin/kubelet"
    answers = kubelet(placed(dest, "1 2 4.0", mode="700"), stamp(dest, A, A), kubelet=A)

    planned = plan(artifacts.installed, [KUBELET], answers=answers)

    [command] = planned.commands
    assert command.endswith(
        f"chown root:root {dest} && chmod 0755 {dest} && "
        f"stamp {dest} {A} {A} /var/lib/slipway/stamps/usr-local-bin-kubelet"
    )
    assert planned.reasons == [f"{dest} is 0700 root:root, wanted 0755 root:root"]


def test_nothing_is_installed_without_a_digest(plan: Plan) -> None:
    with pytest.raises(InventoryError) as error:
        plan(
            artifacts.installed,
            [Installed("https://x/helm", "", "/h"), Installed("https://x/runc", "latest", "/r")],
        )

    assert str(error.value) == (
        "https://x/helm has no sha256 in the lock file, and nothing is installed unverified; "
        "run `slipway artifacts lock` on the inventory\n"
        "https://x/runc has no sha256 in the lock file, and nothing is installed unverified; "
        "run `slipway artifacts lock` on the inventory"
    )


def test_a_link_in_the_way_is_named(plan: Plan) -> None:
    answers = kubelet(placed("/usr/local/bin/kubelet", kind="symbolic link"))

    with pytest.raises(HostError) as error:
        plan(artifacts.installed, [KUBELET], answers=answers)

    assert str(error.value) == (
        "/usr/local/bin/kubelet is a symbolic link where a regular file is wanted; "
        "find out whose it is and move it"
    )
