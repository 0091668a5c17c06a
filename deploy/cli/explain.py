"""`slipway explain`: what a check looks at, why, and how to mend it; offline."""

from __future__ import annotations

import textwrap

import click

from checks.catalogue import Check, Fix, all_checks, check, url

FIXES = {
    Fix.YES: "slipway preflight INVENTORY --fix {id}",
    Fix.ASK: "slipway preflight INVENTORY --fix {id}   (asked for by this exact id only)",
    Fix.NO: "by hand only",
}
WIDTH = 100
LEGEND = "P: in preflight, V: in verify, D: in drift. `slipway explain ID` says more."


def _paragraph(label: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=f"  {label:<9}", subsequent_indent=" " * 11)


def explained(each: Check) -> str:
    """Return all that the catalogue knows of a check, as text."""
    parts = [
        f"{each.id} {each.title}",
        "",
        _paragraph("weight", f"{each.severity}, {each.applies} hosts, {', '.join(each.phases)}"),
        _paragraph("looks at", each.looks_at),
        _paragraph("why", each.why),
        _paragraph("remedy", each.remedy),
        _paragraph("fix", FIXES[each.fix].format(id=each.id)),
    ]
    if each.mended_by:
        parts.append(_paragraph("apply", f"the {each.mended_by} phase makes it true"))
    parts += [
        f"  {'source' if not number else '':<9}{url(source)}" for number, source in enumerate(each.sources)
    ]
    return "\n".join(parts)


def listed() -> str:
    """Return one line per check, by group."""
    lines: list[str] = []
    for each in all_checks().values():
        phases = "".join(
            phase[0].upper() if phase in each.phases else "-" for phase in ("preflight", "verify", "drift")
        )
        lines.append(f"{each.id:<8} {phases}  {each.severity:<8} {each.title}")
    return "\n".join(lines)


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
def explain(ids: tuple[str, ...]) -> None:
    """Say what a check looks at, why, and how to mend what it finds; without an ID, list all."""
    click.echo("\n\n".join(explained(check(id_)) for id_ in ids) if ids else listed())
    if not ids:
        click.echo(LEGEND, err=True)  # for eyes: whoever counts lines counts checks
