"""`slipway bench`: load on a model, through the address and with the key that its users have."""

from __future__ import annotations

import os
import time
from pathlib import Path
from secrets import token_hex

import click

from deploy.cli import choices
from deploy.cli.bench_options import Options, options
from deploy.cli.models import reached
from deploy.cli.verify import on_terminal
from deploy.engine import served
from deploy.engine.log import open_log
from deploy.engine.session import Session
from deploy.errors import Exit, HostError, InventoryError, RunError, UnreachableError
from deploy.load import compare, page, saved, text
from deploy.load.about import about
from deploy.load.request import NO_CONNECTION, FaultError, listed
from deploy.load.run import Bench, Run, now
from deploy.load.target import Target, split
from deploy.model import Cluster, load_cluster
from deploy.model.serving import Gateway, Model
from deploy.serving import names

ASKED = 30.0  # seconds for the list of models
INTERRUPTED = 130  # 128 + SIGINT, as shells say it


@click.command()
@choices.inventory
@click.argument("model")
@options
def bench(inventory: Path, model: str, *, options: Options) -> int:
    """Put load on MODEL and say how fast it answers: first token, between tokens, end to end.

    The levels run one after another, clients first. Exits with 0 when every level was answered, 3 when one
    was not or something is worse than --fail-over allows. Ctrl-C prints what there is.
    """
    cluster = load_cluster(inventory)
    before = None if options.compare is None else saved.read(options.compare)
    if before is not None:
        compare.comparable(before, options.workload, options.loads)
    declared = next((each for each in cluster.models if each.name == model), None)
    target = _given(options, model) if options.url else _served(cluster, inventory, model, declared)
    _answers(target)
    asked = Bench(target, options.workload, options.limits, token_hex(4))
    _first(asked, target)
    started = now()
    levels, interrupted = asked.levels(options.loads, options.warm_up, on_terminal())
    run = Run(
        started=started,
        cluster=cluster.name,
        model=model,
        url=target.url,
        about=about(declared) if declared else "",
        workload=options.workload,
        warm_up=options.warm_up,
        levels=levels,
        interrupted=interrupted,
    )
    return _shown(run, before, options)


def _given(options: Options, model: str) -> Target:
    """Return the target that the options name."""
    url, name = options.url or "", options.key_env
    split(url)
    if name is not None and not os.environ.get(name):
        raise InventoryError(f"--key-env {name}: there is no such environment variable, or it is empty")
    return Target(url, model, os.environ[name] if name else None, options.ca)


def _served(cluster: Cluster, inventory: Path, model: str, declared: Model | None) -> Target:
    """Return where and with which key the cluster serves a model."""
    if declared is None:
        there = ", ".join(each.name for each in cluster.models) or "none"
        raise InventoryError(f"{inventory} has no model {model}; it has {there}")
    with open_log(cluster.name, "bench"), Session(cluster, inventory) as session:
        if declared.gateway is not None:
            return _through(session, declared, declared.gateway)
        found = served.served(session, names.workload(declared))
    return Target(found.url, model, found.key)


def _through(session: Session, model: Model, gateway: Gateway) -> Target:
    """Return where a Gateway leads to a model; raises RunError when that is not known."""
    speaker = served.speaking(session)
    found = reached(session, speaker, gateway)
    if isinstance(found, str):
        title = f"{model.name}: Gateway {gateway.namespace}/{gateway.name} {found}"
        raise RunError(f"{title}; slipway verify says why, or name its address with --url and --key-env")
    key = served.key_of(session, speaker, names.workload(model))
    return Target(f"http://{found.address}:{found.port}", model.name, key, name=found.name)


def _answers(target: Target) -> None:
    """Raise HostError unless the server answers, takes the key and has the model."""
    try:
        models = listed(target, ASKED)
    except FaultError as error:
        raise _refused(target, error.kind, str(error)) from None
    if target.model not in models:
        raise HostError(f"{target.url} serves {', '.join(models) or 'nothing'}; there is no {target.model}")


def _first(asked: Bench, target: Target) -> None:
    """Raise HostError when the first request fails: then there is nothing to measure."""
    sample = asked.one(time.monotonic())
    if not sample.good:
        raise _refused(target, sample.fault, sample.said)


def _refused(target: Target, kind: str, said: str) -> HostError | UnreachableError:
    cause = f"{target.url}: {kind}: {target.masked(said)}"
    if kind == NO_CONNECTION:
        return UnreachableError(f"{cause}. This machine must be able to reach that address")
    if kind in ("HTTP 401", "HTTP 403"):
        key = "no key was given" if target.key is None else "the key is not the server's"
        return HostError(f"{cause}; {key}")
    return HostError(f"{cause}; nothing was measured")


def _shown(run: Run, before: Run | None, options: Options) -> int:
    """Print and keep a run; return what to exit with."""
    if before is not None:
        limit = None if run.interrupted else options.fail_over
        run = run.model_copy(update={"compared": compare.changes(before, run, limit)})
    click.echo(run.as_json() if options.output == "json" else text.render(run, before), nl=False)
    if options.save is not None:
        saved.write(options.save, run.as_json())
    if options.page is not None:
        saved.write(options.page, page.render(run, before))
    if run.interrupted:
        return INTERRUPTED
    return int(Exit.FAILED if compare.worse(run) or not run.answered else Exit.OK)
