"""`slipway validate`: read an inventory and name every mistake in it; no network."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from checks.catalogue import unknown
from deploy.catalog import gates
from deploy.errors import Exit, InventoryError
from deploy.gpu import models, skew
from deploy.model import Cluster, Node, load_cluster
from deploy.model.api_server import PORT
from deploy.model.mistake import written
from deploy.model.rules import warnings
from deploy.model.schema import json_schema
from deploy.plan import unsupported
from deploy.serving import fit
from deploy.serving import mistakes as serving


def cautions(cluster: Cluster) -> list[str]:
    """Return what is allowed and likely not wanted."""
    kubernetes = cluster.kubernetes
    doubtful = [*warnings(cluster), *gates.warnings(kubernetes.version, kubernetes.feature_gates)]
    doubtful += models.warnings(cluster) + skew.warnings(cluster) + serving.warnings(cluster)
    return [f"{written(warning.place)}: {warning.text}" for warning in doubtful]


def summary(cluster: Cluster) -> dict[str, Any]:
    """Return what an inventory declares, as plain data."""
    return {
        "schema": 1,
        "valid": True,
        "name": cluster.name,
        "distribution": str(cluster.kubernetes.distribution),
        "version": cluster.kubernetes.version,
        "endpoint": str(cluster.endpoint),
        "control_planes": [node.name for node in cluster.control_planes],
        "workers": [node.name for node in cluster.workers],
        "gpus": {node.name: _gpus(node) for node in cluster.gpu_nodes()},
        "load_balancer": [*cluster.load_balancer.pool] if cluster.load_balancer else [],
        "warnings": cautions(cluster),
    }


def _gpus(node: Node) -> Any:
    """Return what a node has: a mapping, or for several models a list of them."""
    dumped = [gpus.model_dump(mode="json") for gpus in node.gpus]
    return dumped[0] if len(dumped) == 1 else dumped


def as_text(inventory: Path, cluster: Cluster) -> str:
    """Return the same as a few lines for people."""
    kubernetes, api = cluster.kubernetes, f"{cluster.endpoint}:{PORT}"
    gpus = [
        f"{gpus.count} {gpus.vendor} {gpus.model} on {node.name}" for node, gpus in cluster.declared_gpus()
    ]
    lines = [
        f"{inventory} is a valid cluster: {cluster.name}",
        f"  kubernetes     {kubernetes.distribution} {kubernetes.version}, {kubernetes.cni}, API at {api}",
        f"  control plane  {_hosts(cluster.control_planes)}",
        f"  workers        {_hosts(cluster.workers) or 'none: pods run on the control plane'}",
    ]
    if gpus:
        lines.append(f"  gpus           {', '.join(gpus)}")
    if cluster.load_balancer:
        pool = ", ".join(cluster.load_balancer.pool)
        lines.append(f"  load balancer  {cluster.load_balancer.provider}, {pool}")
    for model in cluster.models:
        lines.append(f"  model          {model.name}: {fit.of(cluster, model).text}")
    return "\n".join([*lines, *(f"  warning        {text}" for text in cautions(cluster))])


def _hosts(nodes: Iterable[Node]) -> str:
    return ", ".join(f"{node.name} {node.address}" for node in nodes)


@click.command()
@click.argument("inventory", type=click.Path(path_type=Path), required=False)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of inventories, for an editor.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def validate(inventory: Path | None, *, schema: bool, output: str) -> int:
    """Read an inventory and name every mistake in it; no host is asked."""
    if schema:
        click.echo(json.dumps(json_schema(Cluster), indent=2))
        return Exit.OK
    if inventory is None:
        raise click.UsageError("name an inventory, such as inventories/lab.yaml, or ask for --schema")
    try:
        cluster = load_cluster(inventory, rules=[unsupported, unknown])
    except InventoryError as error:
        if output == "json":
            click.echo(json.dumps({"schema": 1, "valid": False, "error": str(error)}, indent=2))
            return Exit.USAGE
        raise
    text = json.dumps(summary(cluster), indent=2) if output == "json" else as_text(inventory, cluster)
    click.echo(text)
    return Exit.OK
