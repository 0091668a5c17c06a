"""`slipway artifacts`: pin what hosts install, fetch it into a mirror, serve the mirror."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.catalog import Lock, learn, lock, mirror, needed
from deploy.cli.choices import inventory
from deploy.errors import InventoryError, RunError
from deploy.model import load_cluster


@click.group()
def artifacts() -> None:
    """Pin, fetch and serve what hosts install.

    Hosts pull from a mirror where the inventory names one: artifacts.mirror.
    """


@artifacts.command("lock", short_help="Pin files, charts and images by their digests.")
@inventory
@click.option(
    "--accept-changed", is_flag=True, help="Pin anew what a publisher replaced under the same version."
)
def lock_(inventory: Path, accept_changed: bool) -> None:
    """Ask the publishers for their digests and pin them beside the inventory."""
    cluster = load_cluster(inventory, keys_exist=False)
    path = lock.path_of(inventory)
    known: Lock | None = lock.load(path) if path.exists() else None
    learnt = learn.learn(needed(cluster), lambda what: click.echo(f"asking about {what}", err=True))
    if learnt.unlearned:
        lines = "\n  ".join(learnt.unlearned)
        raise RunError(
            f"{path} was not written, since these digests could not be learnt:\n  {lines}\n"
            "Run it again where the publishers can be reached, and carry the lock file over"
        )
    if known and not accept_changed and (changed := learnt.changed(known)):
        lines = "\n  ".join(changed)
        raise InventoryError(
            f"{path} was not written: published files were replaced under the same version, which publishers "
            f"do not do:\n  {lines}\nFind out why; --accept-changed pins the new ones"
        )
    lock.save(path, learnt.files, learnt.images)
    click.echo(f"{path}: {len(learnt.files)} files and {len(learnt.images)} images pinned")


@artifacts.command("fetch", short_help="Fill a folder with the pinned files.")
@inventory
@click.argument("directory", type=click.Path(path_type=Path))
def fetch(inventory: Path, directory: Path) -> None:
    """Fill DIRECTORY with every file that the lock file pins, each verified; images.txt lists the images."""
    own = load_cluster(inventory, keys_exist=False).registry
    locked = lock.load(lock.path_of(inventory))
    wrong = []
    for file in mirror.locked_files(locked):
        try:
            fetched = mirror.fetch(directory, file)
            click.echo(f"{'fetched' if fetched else 'there'}  {file.url}")
        except RunError as error:
            wrong.append(str(error))
    if wrong:
        raise RunError("\n".join([f"{directory} is not complete:", *(f"  {text}" for text in wrong)]))
    listing = directory / "images.txt"
    images = locked.document.images.values()
    # what lies in the cluster's own registry comes from there
    refs = [f"{each.ref}@{each.digest}" for each in images if own is None or not own.holds(each.ref)]
    listing.write_text("".join(f"{ref}\n" for ref in sorted(refs)))
    click.echo(f"{directory} is complete; {listing} lists the {len(refs)} images that a registry must hold")


@artifacts.command("serve", short_help="Serve a fetched folder to hosts.")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--listen", default="0.0.0.0:8080", show_default=True, metavar="ADDRESS:PORT", help="Where.")
def serve(directory: Path, listen: str) -> None:
    """Serve DIRECTORY to hosts over HTTP until interrupted; what they pull they verify themselves."""
    address, _, port = listen.rpartition(":")
    if not address or not port.isdigit():
        raise InventoryError(f"--listen is {listen}; wanted ADDRESS:PORT, such as 0.0.0.0:8080")
    with mirror.server(directory, address, int(port), lambda line: click.echo(line, err=True)) as server:
        click.echo(
            f"serving {directory} on {listen}; in an inventory: artifacts: {{mirror: http://THIS-HOST:{port}}}"
        )
        server.serve_forever()
