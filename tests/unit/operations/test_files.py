from __future__ import annotations

import base64
import hashlib

import pytest

from deploy.errors import HostError
from deploy.model.row import Disturbs
from deploy.operations import files
from deploy.operations.files import File
from tests.unit.operations.conftest import Plan

END = "end-of-files"
OLD, NEW = b"a = 1\n", b"a = 2\n"
BINARY = b"\xff\0"
CONFIG = File("/etc/x.conf", NEW)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def there(path: str, content: bytes, mode: str = "644", kind: str = "regular file") -> list[str]:
    return [f"{kind}\t{mode}\troot\troot\t{path}", f"{digest(content)}  {path}"]


def test_a_file_as_wanted_is_left_alone(plan: Plan) -> None:
    planned = plan(files.present, [CONFIG], answers={"stat": [*there("/etc/x.conf", NEW), END]})

    assert (planned.commands, planned.notes.diffs, planned.reasons) == ([], [], [])


def test_a_missing_file_is_written_beside_checked_and_moved(plan: Plan) -> None:
    planned = plan(files.present, [CONFIG], answers={"stat": [END]})

    [command] = planned.commands
    assert command == (
        "mkdir -p -- /etc && rm -f -- /etc/x.conf.part && (umask 077 && base64 -d > /etc/x.conf.part) && "
        f"echo '{digest(NEW)}  /etc/x.conf.part' | sha256sum -c --status - && "
        "chown root:root /etc/x.conf.part && chmod 0644 /etc/x.conf.part && "
        "if mountpoint -q /etc/x.conf; then cat /etc/x.conf.part > /etc/x.conf && rm -f -- /etc/x.conf.part; "
        "else mv -fT -- /etc/x.conf.part /etc/x.conf; fi"
    )
    assert planned.stdin == [base64.b64encode(NEW).decode()]
    assert planned.reasons == ["/etc/x.conf is missing"]


def test_another_content_is_shown_as_a_diff(plan: Plan) -> None:
    answers = {
        "stat": [*there("/etc/x.conf", OLD), END],
        "base64 -w0": [f"/etc/x.conf\t{base64.b64encode(OLD).decode()}", END],
    }

    planned = plan(files.present, [CONFIG], disturbs=Disturbs.PODS, answers=answers)

    assert len(planned.commands) == 1
    assert planned.notes.diffs == ["--- /etc/x.conf\n+++ /etc/x.conf\n@@ -1 +1 @@\n-a = 1\n+a = 2"]
    assert planned.reasons == ["/etc/x.conf differs"]
    assert planned.notes.disturbs is Disturbs.PODS


def test_a_wrong_mode_alone_is_mended_without_a_rewrite(plan: Plan) -> None:
    planned = plan(files.present, [CONFIG], answers={"stat": [*there("/etc/x.conf", NEW, mode="600"), END]})

    assert planned.commands == ["chown root:root /etc/x.conf && chmod 0644 /etc/x.conf"]
    assert planned.reasons == ["/etc/x.conf is 0600 root:root, wanted 0644 root:root"]


def test_a_secret_is_shown_by_its_digest_only(plan: Plan) -> None:
    secret = File("/etc/key", b"hunter2", mode="0600", secret=True)

    planned = plan(files.present, [secret], answers={"stat": [*there("/etc/key", OLD, mode="600"), END]})

    assert planned.notes.diffs == [
        f"--- /etc/key\n+++ /etc/key\n@@ -1 +1 @@\n-sha256 {digest(OLD)}\n+sha256 {digest(b'hunter2')}"
    ]
    assert "hunter2" not in " ".join(planned.commands)


def test_a_binary_is_shown_by_its_digest_only(plan: Plan) -> None:
    planned = plan(files.present, [File("/b", BINARY)], answers={"stat": [END]})

    assert planned.notes.diffs == [f"--- /b\n+++ /b\n@@ -0,0 +1 @@\n+sha256 {digest(BINARY)}"]


def test_what_lies_in_the_way_is_named_all_at_once(plan: Plan) -> None:
    answers = {"stat": ["directory\t755\troot\troot\t/a", "symbolic link\t777\troot\troot\t/b", END]}

    with pytest.raises(HostError) as error:
        plan(files.present, [File("/a", b""), File("/b", b"")], answers=answers)

    assert str(error.value) == (
        "/a is a directory where a regular file is wanted; find out whose it is and move it\n"
        "/b is a symbolic link where a regular file is wanted; find out whose it is and move it"
    )


def test_what_could_not_be_read_is_not_taken_for_missing(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        plan(files.present, [CONFIG], answers={"stat": there("/etc/x.conf", NEW)})

    assert str(error.value) == ("could not read /etc/x.conf: stat and sha256sum gave no complete answer")


def test_a_path_declared_twice_is_refused(plan: Plan) -> None:
    with pytest.raises(ValueError, match=r"^declared more than once: /etc/x\.conf$"):
        plan(files.present, [CONFIG, CONFIG])


def test_a_path_with_a_blank_and_a_quote_is_one_word(plan: Plan) -> None:
    planned = plan(files.present, [File("/etc/it's me", b"x")], answers={"stat": [END]})

    assert planned.commands[0].endswith("""mv -fT -- '/etc/it'"'"'s me.part' '/etc/it'"'"'s me'; fi""")


def test_a_file_that_shall_not_be_is_deleted(plan: Plan) -> None:
    planned = plan(files.absent, ["/a", "/b"], answers={"stat": [*there("/a", b""), END]})

    assert (planned.commands, planned.reasons) == (["rm -f -- /a"], ["/a is there and shall not be"])


def test_a_directory_that_shall_not_be_stays(plan: Plan) -> None:
    with pytest.raises(HostError, match=r"^/a is a directory, slipway deletes files only$"):
        plan(files.absent, ["/a"], answers={"stat": ["directory\t755\troot\troot\t/a", END]})


def test_what_we_wrote_is_withdrawn_and_files_of_others_stay(plan: Plan) -> None:
    ours, theirs = (base64.b64encode(text).decode() for text in (b"# ours\nx", b"x\n# ours"))
    answers = {"base64 -w0": [f"/a\t{ours}", f"/b\t{theirs}", END]}

    planned = plan(files.withdrawn, ["/a", "/b", "/c"], b"# ours", answers=answers)

    assert (planned.commands, planned.reasons) == (["rm -f -- /a"], ["/a is of no use any more"])
