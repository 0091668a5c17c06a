"""A preflight's report as a page, in a real browser as wide as a telephone."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

from checks.catalogue import Phase, of_phase
from checks.collect.observed import Observed, Trouble
from checks.preflight import preflight
from checks.report import Report, render
from tests.unit.browser import browsed, needs_browser
from tests.unit.checks.faults import FAULTS
from tests.unit.checks.machines import cluster, everyone

TELEPHONE = 390  # pixels
# a frame of the telephone's width, for a browser's own window may not be made that narrow
FRAME = """<!doctype html><meta charset="utf-8"><iframe style="width:{width}px;height:900px;border:0"
srcdoc="{page}"></iframe><script>
onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  page.querySelectorAll("details").forEach(each => each.open = true);
  const wide = [...page.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > {width});
  document.title = JSON.stringify({{
    inside: page.defaultView.innerWidth, needed: page.scrollingElement.scrollWidth,
    items: page.querySelectorAll("li").length,
    text: parseFloat(getComputedStyle(page.querySelector("p")).fontSize),
    wide: wide.map(each => each.outerHTML.slice(0, 80)),
  }});
}};
</script>"""


def report() -> Report:
    """Three hosts with every fault that can be on them at once, and one of them gone."""
    _, w1, g1 = everyone()
    for fault in FAULTS:
        if fault.host == "w1":
            w1 = fault.break_(w1)
        elif fault.host == "g1":
            g1 = fault.break_(g1) if g1.pci and g1.pci.devices else g1
    gone = Observed(host="cp1", trouble=Trouble("cp1 (192.168.1.10 port 22): no answer in time"))
    accepted = {"check": "HOST-16", "reason": "nginx moves next week", "expires": "2027-01-15"}
    findings = preflight(cluster(ignore=[accepted]), [gone, w1, g1], today=date(2027, 1, 15))
    return Report(
        verb="preflight",
        cluster="home",
        run="20270115T031700Z-1f2e",
        started=datetime(2027, 1, 15, 3, 17, tzinfo=UTC),
        seconds=1.4,
        findings=tuple(findings),
        titles={entry.id: entry.title for entry in of_phase(Phase.PREFLIGHT)},
        fixable=frozenset({"HOST-03"}),
        unreachable={"cp1": "cp1 (192.168.1.10 port 22): no answer in time"},
        inventory_sha256="0" * 64,
    )


def test_the_page_needs_nothing_else() -> None:
    page = render(report(), "html")

    assert re.findall(r"<(?:script|link|img|iframe|object|embed)\b|\b(?:src|href)=|@import|url\(", page) == []
    assert """content="default-src 'none'; style-src 'unsafe-inline'">""" in page


@needs_browser
def test_the_page_fits_a_telephone_with_all_of_it_open(tmp_path: Path) -> None:
    page = html.escape(render(report(), "html"), quote=True)
    frame = FRAME.format(width=TELEPHONE, page=page)

    shown = browsed(tmp_path, frame, "--window-size=900,1000", "--dump-dom")

    title = re.search(r"<title>(.*?)</title>", shown, re.DOTALL)
    assert title is not None, shown
    seen = json.loads(html.unescape(title[1]))
    assert seen.pop("items") > 100
    assert seen.pop("needed") <= seen["inside"]
    assert seen == {"inside": TELEPHONE, "text": 16, "wide": []}
