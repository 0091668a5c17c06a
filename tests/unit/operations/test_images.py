"""Images before anything asks for them."""

from __future__ import annotations

from deploy.observe import images as observed
from deploy.operations import images
from deploy.operations.images import Image
from tests.unit.operations.conftest import Plan

PAUSE = Image("registry.k8s.io/pause:3.10.2", f"sha256:{'a' * 64}")
ETCD = Image("registry.k8s.io/etcd:3.6.8-0", f"sha256:{'b' * 64}")
LISTED = f"""\
REF TYPE DIGEST SIZE PLATFORMS LABELS
{PAUSE.ref} application/vnd.oci.image.index.v1+json {PAUSE.digest} 263.0 KiB linux/amd64 a=b
{PAUSE.by_digest} application/vnd.oci.image.index.v1+json {PAUSE.digest} 263.0 KiB linux/amd64 -
# end"""


def test_images_that_are_there_as_pinned_are_left_alone(plan: Plan) -> None:
    planned = plan(images.present, [PAUSE], answers={"images list": LISTED})

    assert (planned.commands, planned.reasons) == ([], [])


def test_what_is_missing_is_pulled_by_its_digest_and_named_by_its_tag(plan: Plan) -> None:
    planned = plan(images.present, [PAUSE, ETCD], answers={"images list": LISTED})

    [command] = planned.commands
    pull = f"ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d --skip-metadata {ETCD.by_digest}"
    tag = f"ctr -n k8s.io images tag --force {ETCD.by_digest} {ETCD.ref}"
    assert f"{{ {pull} >/dev/null && {tag} >/dev/null; }} &" in command
    assert PAUSE.ref not in command
    assert planned.reasons == [f"{ETCD.ref} is missing, wanted {ETCD.digest}"]


def test_a_tag_that_names_other_content_is_set_right(plan: Plan) -> None:
    other = Image(PAUSE.ref, ETCD.digest)

    planned = plan(images.present, [other], answers={"images list": LISTED})

    assert planned.reasons == [f"{PAUSE.ref} is {PAUSE.digest}, wanted {ETCD.digest}"]
    assert len(planned.commands) == 1


def test_before_containerd_runs_nothing_is_known(plan: Plan) -> None:
    planned = plan(images.present, [PAUSE], answers={"images list": "# no containerd\n# end"})

    assert (planned.notes.until, planned.reasons) == ("containerd", ["containerd does not run yet"])


def test_a_list_that_was_cut_off_was_not_read() -> None:
    assert observed.parse(LISTED.splitlines()[:-1]) is None
