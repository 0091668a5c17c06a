"""`slipway kubeconfig`: fetch the cluster's admin kubeconfig, for its owner only; merge it on request."""

from __future__ import annotations

import os
from pathlib import Path

import click

from deploy.cli import choices
from deploy.engine import credentials
from deploy.engine.log import open_log
from deploy.engine.session import Session
from deploy.errors import Exit
from deploy.model import load_cluster, paths


@click.command()
@choices.inventory
@click.option("--merge", is_flag=True, help="Add it to ~/.kube/config (or $KUBECONFIG), too.")
def kubeconfig(inventory: Path, *, merge: bool) -> int:
    """Fetch the cluster's kubeconfig and write it with mode 0600; prints where.

    Whoever can read that file owns the cluster.
    """
    cluster = load_cluster(inventory)
    with open_log(cluster.name, "kubeconfig"), Session(cluster, inventory) as session:
        fetched = credentials.fetch(session)
    path = paths.kubeconfig(cluster.name)
    credentials.write(path, fetched)
    click.echo(path)
    if merge:
        own = Path(os.environ.get("KUBECONFIG", "").split(":")[0] or Path.home() / ".kube" / "config")
        credentials.write(own, credentials.merged(credentials.load(own), fetched, cluster.name))
        click.echo(f"merged into {own} as context {cluster.name}: kubectl --context {cluster.name} get nodes")
    return Exit.OK
