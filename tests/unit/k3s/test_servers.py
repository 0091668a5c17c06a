"""Three servers and an agent on @fake hosts: what each is given, in which order, and how its token comes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyinfra.connectors.fake import FakeConnector
from typing_extensions import override

from deploy import catalog, context
from deploy.catalog import LockedFile, k3s
from deploy.engine import phase as engine
from deploy.model import Cluster
from deploy.model.row import Row, State
from deploy.observe import k3s as observed
from deploy.plan import Phase, Where, phases
from deploy.steps.k3s import config
from tests.unit.k3s.conftest import documents, inventory
from tests.unit.operations.conftest import MISSING

SERVERS, AGENT = ("s1", "s2", "s3"), "a1"
OURS = ("artifacts", "control-plane", "control-planes", "workers")
DIGEST = "a" * 64
TOKENS = {
    observed.SERVER_TOKEN: b"K10" + b"c" * 64 + b"::server:for-servers\n",
    observed.AGENT_TOKEN: b"K10" + b"c" * 64 + b"::node:for-agents\n",
}
BARE = {
    'echo "active ': ["active inactive", observed.END],
    "stat --printf='%F": "end-of-files",
    "stat --printf='file": "end-of-artifacts",
    "systemctl show --no-pager": [
        *("LoadState=not-found", "ActiveState=inactive", "SubState=dead", "UnitFileState="),
        *("NeedDaemonReload=no", "end-of-unit"),
    ],
    "readlink": [],
    "uname -m": "x86_64",
    "as=PartialObjectMetadata": MISSING,
    'printf "%s\\t"': "end-of-files",
    "set --": "end-of-files",
}
HAS_TOKENS = {
    **{f"base64 -w0 {path}": base64.b64encode(token).decode() for path, token in TOKENS.items()},
    **{
        f"set --; for f in {path}": [f"{hashlib.sha256(token).hexdigest()}  {path}", "end-of-files"]
        for path, token in TOKENS.items()
    },
}
WRITTEN = re.compile(r"chown root:root \S+ && chmod (\d+) \S+ && if mountpoint -q (\S+);")


@dataclass(frozen=True)
class Change:
    """A command that reads nothing: on which host, and what it was given on its input."""

    host: str
    command: str
    stdin: str


@dataclass
class Site:
    """What was done to the hosts, in order, and the rows that told of it."""

    declared: Cluster
    lock: Path
    answers: Mapping[str, Mapping[str, Any]]
    changes: list[Change] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def data(self) -> dict[str, dict[str, Any]]:
        quiet = {"fake_delay": 0, "fake_delay_jitter": 0}
        return {
            node.name: {
                **context.host_data(self.declared, node, str(self.lock)),
                **quiet,
                "fake_responses": self.answers[node.name],
            }
            for node in self.declared.nodes
        }

    def connector(self, state: Any, host: Any) -> FakeConnector:
        return Recording(state, host, self)

    def apply(self) -> None:
        """Run k3s' own phases as an apply does, host by host where it does so."""
        for phase in phases(self.declared):
            hosts = phase.hosts(self.declared)
            batches = [(name,) for name in hosts] if phase.where is Where.OTHERS else [hosts]
            for batch in batches if phase.name in OURS else ():
                self._batch(phase, batch)

    def _batch(self, phase: Phase, batch: tuple[str, ...]) -> None:
        prepared = engine.prepare(phase, batch, self.data(), self.connector)
        assert prepared.errors == {}
        for name in batch:
            for operation in prepared.operations[name]:
                row = engine.look(prepared, operation)
                assert row.state is not State.ERROR, row
                self.rows.append(row)
                if row.pending:
                    assert engine.run(prepared, operation).error is None

    def written(self, host: str) -> Iterator[tuple[str, str, bytes]]:
        """Yield path, mode and content of what was written on a host."""
        for change in self.changes:
            if change.host == host and (found := WRITTEN.search(change.command)):
                yield found[2], found[1], base64.b64decode(change.stdin)

    def file(self, host: str, path: str) -> bytes:
        [content] = [content for where, _, content in self.written(host) if where == path]
        return content

    def started(self) -> list[tuple[str, str]]:
        """Return what was started where, in order."""
        found = [(each.host, re.search(r"--no-block start -- (\S+)", each.command)) for each in self.changes]
        return [(host, match[1]) for host, match in found if match]


class Recording(FakeConnector):
    """@fake, and what no answer was scripted for is a change that is kept."""

    def __init__(self, state: Any, host: Any, site: Site) -> None:
        super().__init__(state, host)
        self.site = site

    @override
    def run_shell_command(self, command: Any, *args: Any, **arguments: Any) -> Any:
        text = command if isinstance(command, str) else command.get_raw_value()
        if not any(known in text for known in self.site.answers[self.host.name]):
            stdin = str(arguments.get("_stdin", "") or "")
            self.site.changes.append(Change(self.host.name, text, stdin))
        return super().run_shell_command(command, *args, **arguments)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    declared = inventory("three-servers")
    lock = tmp_path / "rack.lock.yaml"
    entries = [*k3s.files(declared.kubernetes.version), *catalog.load().file("helm")]
    catalog.lock.save(
        lock, [(e.key, e.arch, LockedFile(e.key, e.version, e.url, DIGEST)) for e in entries], []
    )
    answers: dict[str, Mapping[str, Any]] = {node.name: BARE for node in declared.nodes}
    answers["s1"] = {**HAS_TOKENS, **BARE}
    return Site(declared, lock, answers)


def test_the_first_server_starts_before_the_others_and_they_before_the_agents(site: Site) -> None:
    site.apply()

    assert site.started() == [
        ("s1", "k3s.service"),
        ("s2", "k3s.service"),
        ("s3", "k3s.service"),
        ("a1", "k3s-agent.service"),
    ]


def test_a_server_is_done_before_anything_of_k3s_is_touched_on_the_next(site: Site) -> None:
    site.apply()

    joined = [row.host for row in site.rows if row.phase in ("control-plane", "control-planes", "workers")]
    configured = [
        each.host for each in site.changes if "/etc/rancher/" in each.command or "systemctl" in each.command
    ]
    assert joined == sorted(joined, key=[*SERVERS, AGENT].index)
    assert configured == sorted(configured, key=[*SERVERS, AGENT].index)


def test_every_host_is_given_what_is_rendered_for_it(site: Site) -> None:
    site.apply()

    for node in site.declared.nodes:
        rendered = config.server if node.is_control_plane else config.agent
        assert documents(site.file(node.name, config.CONFIG)) == rendered(site.declared, node)
    founds = [documents(site.file(name, config.CONFIG)).get("cluster-init") for name in SERVERS]
    joins = [documents(site.file(name, config.CONFIG)).get("server") for name in SERVERS]
    assert founds == [True, None, None]
    assert joins == [None, "https://10.20.0.250:6443", "https://10.20.0.250:6443"]


def test_servers_get_the_servers_token_and_agents_the_agents_as_a_file_for_root(site: Site) -> None:
    site.apply()

    tokens = {
        name: [(mode, content) for path, mode, content in site.written(name) if path == config.TOKEN]
        for name in (*SERVERS, AGENT)
    }

    assert tokens == {
        "s1": [],
        "s2": [("0600", TOKENS[observed.SERVER_TOKEN])],
        "s3": [("0600", TOKENS[observed.SERVER_TOKEN])],
        "a1": [("0600", TOKENS[observed.AGENT_TOKEN])],
    }


def test_no_command_unit_configuration_or_row_holds_a_token(site: Site) -> None:
    site.apply()

    files = [
        content.decode()
        for name in (*SERVERS, AGENT)
        for path, _, content in site.written(name)
        if path != config.TOKEN
    ]
    said = [*(each.command for each in site.changes), *files, *map(str, site.rows)]
    for secret in ("for-servers", "for-agents", *(base64.b64encode(t).decode() for t in TOKENS.values())):
        assert [text for text in said if secret in text] == []


def test_every_host_gets_k3s_and_the_images_from_the_mirror_by_digest(site: Site) -> None:
    site.apply()

    release = "http://10.20.0.5:8080/github.com/k3s-io/k3s/releases/download/v1.35.4+k3s1"
    k3s_files = [f"{release}/k3s", f"{release}/k3s-airgap-images-amd64.tar.gz"]
    fetched = {
        name: [
            re.search(r"url=(\S+) sum=(\S+)", each.stdin)[1].strip("'")  # type: ignore[index]
            for each in site.changes
            if each.host == name and f"sum={DIGEST}" in each.stdin
        ]
        for name in (*SERVERS, AGENT)
    }

    for name in SERVERS:
        assert fetched[name][:2] == k3s_files
        assert [url.rpartition("/")[2][:4] for url in fetched[name][2:]] == ["helm"]
    assert fetched[AGENT] == k3s_files


def test_a_cluster_without_a_mirror_leaves_the_images_to_k3s(site: Site) -> None:
    declared = site.declared.model_dump(mode="json")
    declared["artifacts"] = {}
    site.declared = Cluster.model_validate(declared)

    site.apply()

    assert [each.stdin for each in site.changes if "airgap" in each.stdin] == []
    assert "Lay out k3s' images" not in {row.operation for row in site.rows}
