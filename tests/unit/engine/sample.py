"""Operations and steps to drive: a file per step in a scratch directory of the host."""

from __future__ import annotations

from collections.abc import Generator
from io import StringIO
from pathlib import Path

from pyinfra import host, inventory, state
from pyinfra.api import FactBase, QuoteString, StringCommand, deploy, operation
from pyinfra.operations import files
from typing_extensions import override

from deploy import context
from deploy.errors import HostError, InventoryError
from deploy.model.row import Disturbs
from deploy.operations import elsewhere, notes


class Content(FactBase[str]):
    """What a file holds; empty without the file."""

    default = str

    @override
    def command(self, path: str) -> StringCommand:
        return StringCommand("cat", QuoteString(path), "2>/dev/null || true")

    @override
    def process(self, output: list[str]) -> str:
        return "\n".join(output)


class Unreadable(FactBase[str]):
    default = str

    @override
    def command(self) -> str:
        return "echo no such thing >&2; exit 3"

    @override
    def process(self, output: list[str]) -> str:
        return output[0]


@operation()
def written(
    path: str, text: str, disturbs: Disturbs = Disturbs.NOTHING
) -> Generator[StringCommand, None, None]:
    now = host.get_fact(Content, path=path)
    if now == text:
        return
    notes.diff(path, now, text)
    notes.disturbs(disturbs)
    yield StringCommand("cat >", QuoteString(path), _stdin=text)


@operation()
def copied(
    source: str, path: str, disturbs: Disturbs = Disturbs.NOTHING
) -> Generator[StringCommand, None, None]:
    """The same text as another file: what a unit is to its configuration."""
    wanted = host.get_fact(Content, path=source)
    if host.get_fact(Content, path=path) == wanted:
        return
    notes.reason("runs with older input")
    notes.disturbs(disturbs)
    yield StringCommand("cp", QuoteString(source), QuoteString(path))


@operation()
def broken(how: str) -> Generator[StringCommand, None, None]:
    if how == "fact":
        host.get_fact(Unreadable)
    if how == "ours":
        raise HostError("the disk is upside down")
    if how == "theirs":
        raise KeyError("spam")
    yield StringCommand("echo because >&2; exit 7")


directory = Path()  # where the steps write; a test sets it


def here(name: str) -> str:
    """Return a path of the current host; every host of the tests is this machine."""
    return str(directory / f"{context.node().name}-{name}")


@deploy("Two files")
def two_files() -> None:
    written(name="Write one", path=here("one"), text="first")
    written(name="Write two", path=here("two"), text="second")


@deploy("A service")
def service() -> None:
    written(name="Configure it", path=here("config"), text="new")
    copied(name="Restart it", source=here("config"), path=here("running"), disturbs=Disturbs.PODS)


@deploy("A model")
def model() -> None:
    written(name="Stop it", path=here("stopped"), text="qwen", disturbs=Disturbs.MODEL)
    written(name="Move its cards", path=here("moved"), text="card0")


@deploy("A binary")
def binary() -> None:
    written(name="Install it", path=here("binary"), text="new", disturbs=Disturbs.PODS)


@deploy("A service of that binary")
def served() -> None:
    copied(name="Restart it", source=here("binary"), path=here("running"), disturbs=Disturbs.PODS)


@operation()
def refused() -> Generator[StringCommand, None, None]:
    notes.disturbs(Disturbs.PODS)
    yield StringCommand("echo because >&2; exit 7")


@deploy("A service whose restart fails")
def failing_service() -> None:
    refused(name="Restart it")


@deploy("A failing operation on workers")
def worker_fails() -> None:
    written(name="Write one", path=here("one"), text="first")
    if not context.node().is_control_plane:
        broken(name="Break it", how="command")
    written(name="Write two", path=here("two"), text="second")


@deploy("An unreadable fact")
def unreadable() -> None:
    broken(name="Read it", how="fact")


@deploy("An operator's mistake")
def ours() -> None:
    broken(name="Check it", how="ours")


@deploy("A mistake of the step")
def mistaken() -> None:
    written(name="Write one", path=here("one"), text="first")
    if not context.node().is_control_plane:
        raise KeyError("spam")


@operation()
def kept(path: str, text: str) -> Generator[StringCommand, None, None]:
    """A secret file, compared without being shown."""
    if host.get_fact(Content, path=path) != text:
        notes.reason("its content differs")
        yield StringCommand("cat >", QuoteString(path), _stdin=text)


@operation()
def fetched(source: str, path: str) -> Generator[StringCommand, None, None]:
    """The content of a file on the control plane."""
    text = inventory.get_host("cp1").get_fact(Content, path=source)
    if host.get_fact(Content, path=path) != text:
        yield StringCommand("cat >", QuoteString(path), _stdin=text)


@operation()
def owned() -> Generator[StringCommand, None, None]:
    if host.get_fact(Content, path=here("nothing")) == "":
        raise InventoryError(f"{context.node().name} belongs to cluster other")
    yield StringCommand("true")


@deploy("A secret")
def secret() -> None:
    kept(name="Write a secret", path=here("secret"), text="hunter2")


@deploy("Something of the control plane")
def from_control_plane() -> None:
    source = str(directory / "cp1-token")
    fetched(name="Take the token", source=source, path=here("token"))


@deploy("A host of another cluster")
def another_cluster() -> None:
    owned(name="Know whose this is")


@deploy("Names that differ")
def named_by_host() -> None:
    written(name=f"Join {context.node().name}", path=here("joined"), text="yes")
    if not context.node().is_control_plane:
        written(name="Only here", path=here("only"), text="yes")
    written(name="Then rest", path=here("rest"), text="yes")


seen: list[bool] = []


@operation()
def observed() -> Generator[StringCommand, None, None]:
    """Notes whether the state says that it executes."""
    seen.append(state.is_executing)
    yield StringCommand("true")


@deploy("Watched")
def watched() -> None:
    observed(name="Note the stage")


@deploy("An upload by pyinfra's own operation")
def uploaded() -> None:
    files.put(name="Upload", src=StringIO(f"for {context.node().name}\n"), dest=here("upload"))


@deploy("The second control plane fails")
def second_fails() -> None:
    if context.node().name == "cp2":
        broken(name="Break it", how="command")
    written(name="Write one", path=here("one"), text="first")


KILL_SSHD = """p=$$; while [ "$(cat /proc/$p/comm)" != sshd ]; do p=$(cut -d' ' -f4 /proc/$p/stat); done
kill -9 $p; sleep 30"""


@operation()
def cut_off() -> Generator[StringCommand, None, None]:
    """Kills the SSH server's process that serves this very connection."""
    yield StringCommand(KILL_SSHD)


DYING = """p=$$; while [ "$(cat /proc/$p/comm)" != sshd ]; do p=$(cut -d' ' -f4 /proc/$p/stat); done
setsid sh -c "sleep 0.4; kill -9 $p" >/dev/null 2>&1 & echo 'Failed to connect to bus' >&2; exit 1"""


@operation()
def refused_by_the_dying() -> Generator[StringCommand, None, None]:
    """Fails, as commands do on a host that goes down, some moments before the connection ends."""
    yield StringCommand(DYING)


@deploy("A worker that refuses and then dies")
def worker_refuses_and_dies() -> None:
    if not context.node().is_control_plane:
        refused_by_the_dying(name="Ask it")
    written(name="Write one", path=here("one"), text="first")


class LastWords(FactBase[str]):
    """Reading it kills the SSH server's process of the host."""

    default = str

    @override
    def command(self) -> str:
        return KILL_SSHD

    @override
    def process(self, output: list[str]) -> str:
        return output[0]


@deploy("A worker that dies before its step is through")
def worker_dies_in_its_step() -> None:
    written(name="Write one", path=here("one"), text="first")
    if not context.node().is_control_plane:
        host.get_fact(LastWords)


@operation()
def outlived() -> Generator[StringCommand, None, None]:
    """Asks the control plane, which dies of it."""
    elsewhere.said("cp1", KILL_SSHD)
    yield StringCommand("true")


@deploy("A worker that asks a dying control plane")
def asks_the_dying() -> None:
    outlived(name="Ask")


@deploy("A worker that dies")
def worker_dies() -> None:
    if not context.node().is_control_plane:
        cut_off(name="Die")
    written(name="Write one", path=here("one"), text="first")
