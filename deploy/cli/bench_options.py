"""The options of `slipway bench`, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from math import isfinite
from pathlib import Path
from typing import Any

import click

from deploy.errors import InventoryError
from deploy.load.generate import Limits
from deploy.load.level import Load
from deploy.load.target import Api
from deploy.load.workload import Workload

CLIENTS = "1,4,16"
FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Options:
    """What a run shall be, where it goes, and what it is compared with."""

    loads: tuple[Load, ...]
    limits: Limits
    workload: Workload
    warm_up: int
    url: str | None
    key_env: str | None
    ca: Path | None
    save: Path | None
    page: Path | None
    compare: Path | None
    fail_over: float | None
    output: str


def _numbers(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[float, ...]:  # noqa: ARG001 - click's signature
    """Return the numbers of a comma-separated list; clients are whole ones."""
    whole = parameter.name == "clients"
    try:
        numbers = tuple(int(each) if whole else float(each) for each in (value or "").split(",") if each)
    except ValueError:
        numbers = (0,)
    if any(number <= 0 or not isfinite(number) for number in numbers):
        raise click.BadParameter(f"{value}: wanted are {'whole ' if whole else ''}numbers above 0, as 1,4")
    return tuple(dict.fromkeys(numbers))


def _share(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:  # noqa: ARG001 - click's signature
    """Return a percentage as a share of one."""
    if value is None:
        return None
    try:
        share = float(value.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise click.BadParameter(f"{value}: wanted is a percentage such as 10%")
    return share


POSITIVE = click.FloatRange(min=0.1, max=86400)
OPTIONS = (
    click.option("--clients", callback=_numbers, metavar="N[,N]",
                 help=f"Closed loop: so many clients, each asks again when answered.  [default: {CLIENTS}]"),
    click.option("--rate", callback=_numbers, metavar="R[,R]",
                 help="Open loop: so many arrivals a second on average, whatever becomes of them."),
    click.option("--seconds", type=POSITIVE, default=10.0, show_default=True, help="How long a level lasts."),
    click.option("--requests", type=click.IntRange(min=1), default=1000, show_default=True,
                 help="How many requests a level has at most."),
    click.option("--warm-up", type=click.IntRange(min=0), default=1, show_default=True,
                 help="Requests of every client before a level that are not counted."),
    click.option("--timeout", type=POSITIVE, default=60.0, show_default=True, help="Seconds a request has."),
    click.option("--prompt-words", type=click.IntRange(min=1), default=32, show_default=True,
                 help="How long a prompt is; every prompt is a new one."),
    click.option("--output-tokens", type=click.IntRange(min=1), default=64, show_default=True,
                 help="How long an answer is."),
    click.option("--ignore-eos/--no-ignore-eos", default=None,
                 help="Whether answers have that length and no less; vLLM can.  [default: unless --url]"),
    click.option("--api", type=click.Choice([str(each) for each in Api]), default="chat", show_default=True,
                 help="Which of the API's endpoints is asked."),
    click.option("--url", help="Ask there, past the cluster; MODEL is what the server calls it."),
    click.option("--key-env", metavar="NAME", help="The environment variable that holds the key for --url."),
    click.option("--ca", type=FILE, help="Trust these certificates for --url."),
    click.option("--save", type=FILE, help="Keep the run as JSON."),
    click.option("--page", type=FILE, help="Write the run as an HTML page with pictures."),
    click.option("--compare", type=FILE, help="Put a saved run beside."),
    click.option("--fail-over", callback=_share, metavar="PERCENT",
                 help="Exit with 3 when anything compared is worse by more than that."),
    click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True),
)  # fmt: skip


def options(verb: Callable[..., int]) -> Callable[..., int]:
    """Add the options to a verb, which gets them as one value named `options`."""

    @wraps(verb)
    def called(inventory: Path, model: str, **given: Any) -> int:
        return verb(inventory, model, options=_made(given))

    decorated: Callable[..., int] = called
    for option in reversed(OPTIONS):
        decorated = option(decorated)
    return decorated


def _made(given: dict[str, Any]) -> Options:
    """Return the options; raises InventoryError for those that make no sense together."""
    _sensible(given)
    clients = given.pop("clients") or (() if given["rate"] else tuple(map(int, CLIENTS.split(","))))
    loads = (*(Load(clients=each) for each in clients), *(Load(rate=each) for each in given.pop("rate")))
    limits = Limits(given.pop("seconds"), given.pop("requests"), given.pop("timeout"))
    whole = given.pop("ignore_eos")
    workload = Workload(
        api=Api(given.pop("api")),
        prompt_words=given.pop("prompt_words"),
        output_tokens=given.pop("output_tokens"),
        whole=given["url"] is None if whole is None else whole,
    )
    return Options(loads=loads, limits=limits, workload=workload, **given)


def _sensible(given: dict[str, Any]) -> None:
    wrong = [
        f"--{option.replace('_', '-')} is for --{needed}"
        for option, needed in (("key_env", "url"), ("ca", "url"), ("fail_over", "compare"))
        if given[option] is not None and given[needed] is None
    ]
    wrong += [
        f"--{option} {given[option]}: there is no directory {given[option].parent}"
        for option in ("save", "page")
        if given[option] is not None and not given[option].parent.is_dir()
    ]
    if wrong:
        raise InventoryError("; ".join(wrong))
