"""`slipway init`: an inventory, written from the hosts it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from checks.collect.collect import collect
from checks.collect.observed import Observed
from checks.collect.probing import answering
from checks.preflight.proposal import Proposal, ProposedGpus, candidates, proposal
from deploy import render
from deploy.catalog import load as load_catalog
from deploy.cli.trust import trusted
from deploy.engine.log import open_log
from deploy.engine.session import Session
from deploy.errors import Exit, HostError, InventoryError, UnreachableError
from deploy.model import Cluster, load_cluster
from deploy.model.document import Document
from deploy.model.load import judge
from deploy.model.mistake import written
from deploy.model.rules import missing_key_files

TEMPLATE = "init/inventory.yaml.j2"
PYINFRA = '''"""The hosts of {name} for plain pyinfra: `pyinfra {path} deploy.steps.baseline.baseline`."""

from pathlib import Path

from deploy.pyinfra_inventory import groups

control_planes, workers = groups(Path(__file__).with_suffix(".yaml"))
'''
ACCEPTED = timedelta(days=180)


def _addresses(context: click.Context, parameter: click.Parameter, value: Sequence[str]) -> list[IPv4Address]:  # noqa: ARG001 - click's signature
    found = []
    for each in value:
        try:
            found.append(IPv4Address(each))
        except AddressValueError:
            raise click.BadParameter(
                f'"{each}" is no IPv4 address such as 192.168.1.10; hosts are given by theirs'
            ) from None
    if len(set(found)) < len(found):
        raise click.BadParameter("an address is given twice")
    return found


@click.command()
@click.argument("name")
@click.argument("hosts", nargs=-1, required=True, callback=_addresses, metavar="HOST...")
@click.option("--user", default="root", show_default=True, help="Whom to log in as.")
@click.option("--port", type=click.IntRange(1, 65535), default=22, show_default=True, help="sshd's port.")
@click.option("--key", help="The private key; without it the agent's and those of ~/.ssh.")
@click.option("--mirror", help="Where hosts pull files from, in place of upstream.")
@click.option("--registry-mirror", help="Where hosts pull images from, in place of upstream.")
@click.option("-f", "--file", "path", type=click.Path(path_type=Path, dir_okay=False), help="What to write.")
@click.option("--trust", "trusting", is_flag=True, help="Remember the keys that are shown without asking.")
def init(
    name: str,
    hosts: list[IPv4Address],
    user: str,
    port: int,
    key: str | None,
    mirror: str | None,
    registry_mirror: str | None,
    path: Path | None,
    *,
    trusting: bool,
) -> int:
    """Read hosts and write an inventory of them: roles, GPUs, free ranges and addresses, with comments.

    Nothing is changed on the hosts, and no file is ever overwritten.
    """
    target = path or Path("inventories") / f"{name}.yaml"
    beside = target.with_suffix(".py")
    if taken := [str(each) for each in (target, beside) if each.exists()]:
        raise InventoryError(
            f"{', '.join(taken)}: already there, and never overwritten; name another by --file"
        )
    ssh = {"user": user, "port": port, **({"key": key} if key else {})}
    found = _cluster(name, hosts, ssh)
    if code := trusted(found, target, (), yes=trusting, option="--trust"):
        return code
    read, heard, probed = _read(found, target, hosts)
    made = proposal(list(zip(hosts, read, strict=True)), heard)
    text = render.template(
        TEMPLATE,
        cluster=name, path=target, proposal=made, version=load_catalog().kubernetes.default,
        user=user, port=port, key=key, mirror=mirror, registry_mirror=registry_mirror, probed=probed,
        expires=date.today() + ACCEPTED,  # noqa: DTZ011 - the operator's day
    )  # fmt: skip
    _check(text)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text)
    beside.write_text(PYINFRA.format(name=name, path=beside))
    click.echo(f"{_summary(made)}\nWrote {target} and {beside}. Next: slipway preflight {target}")
    return Exit.OK


def _cluster(name: str, hosts: Sequence[IPv4Address], ssh: dict[str, object]) -> Cluster:
    """Return a stand-in inventory, good for connecting and nothing else."""
    nodes: list[dict[str, object]] = [
        {
            "name": f"host{number}",
            "address": str(address),
            "roles": ["worker" if number > 1 else "control-plane"],
        }
        for number, address in enumerate(hosts, 1)
    ]
    drafted, wrong = judge(Document(data={"name": name, "ssh": ssh, "nodes": nodes}))
    wrong += missing_key_files(drafted) if drafted else []
    if wrong or drafted is None:
        lines = [f"  {written(mistake.place)}: {mistake.text}" for mistake in wrong]
        raise InventoryError("\n".join(["No host was asked, and no inventory was written:", *lines]))
    return drafted


def _read(
    cluster: Cluster, target: Path, hosts: Sequence[IPv4Address]
) -> tuple[list[Observed], set[IPv4Address], bool]:
    """Return what every host said, the addresses that somebody answered for, and whether that was probed."""
    with open_log(cluster.name, "init"), Session(cluster, target) as session:
        read = list(collect(session, ()).observations())
        if session.troubles:
            kind = HostError if session.exit_code is Exit.FAILED else UnreachableError
            raise kind("\n".join(["No inventory was written:", *session.unreachable.values()]))
        asked = candidates(list(zip(hosts, read, strict=True)))
        heard = answering(session, read[0], asked, render.file("preflight/probe.py").decode())
    return read, set(heard or ()), heard is not None


def _check(text: bytes) -> None:
    """Make sure that what is about to be written is valid; a fault here is ours."""
    with TemporaryDirectory() as directory:
        draft = Path(directory) / "inventory.yaml"
        draft.write_bytes(text)
        load_cluster(draft)


def _summary(made: Proposal) -> str:
    lines = []
    for node in made.nodes:
        said = [f", {gpus.count}x {gpus.vendor} {gpus.model}{_unnamed(gpus)}" for gpus in node.gpus]
        role = "control-plane" if node.control_plane else "worker"
        lines.append(f"  {node.name} {node.address} {role}{''.join(said)}")
    return "\n".join(lines)


def _unnamed(gpus: ProposedGpus) -> str:
    return "" if gpus.known else " (give it its name in the file)"
