"""What a registry's answers prove: pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from checks.acceptance.registry_script import SIZE, Said, Transfer
from checks.finding import Finding
from checks.say import judged, unread

LIMIT, WHOLE, REFUSES, PULLS = "REG-01", "REG-02", "REG-06", "REG-07"
CREATED, OK, UNAUTHORIZED = 201, 200, 401
# a front that buffers, counts bytes or has no patience (nginx, Traefik, Envoy)
LIMITED = (408, 413, 499, 502, 504)
MEGABYTES = f"{SIZE // 10**6} MB"
NOTHING = Transfer()
WANTED = f"{MEGABYTES} pushed, and the same read back"


def findings(said: Said, node: str, *, harbor: bool) -> Iterator[Finding]:
    """Judge what the script said on a node."""
    if "end" not in said.words:
        why = said.error or "the script did not come to its end"
        yield from (unread(check, None, f"{node}: {why}") for check in (LIMIT, WHOLE, REFUSES))
        return
    yield limit(said)
    yield whole(said, node, harbor=harbor)
    yield refuses(said)


def limit(said: Said) -> Finding:
    """A layer of 100 MB is taken in one request."""
    push = said.transfers.get("push", NOTHING)
    wanted = f"{MEGABYTES} in one request are taken"
    if push.status == CREATED:
        found = f"{MEGABYTES} in one request, {push.seconds:.1f} s"
        return judged(LIMIT, None, True, found=found, wanted=wanted)
    if push.status in LIMITED:
        return judged(
            LIMIT, None, False, found=f"HTTP {push.status} after {push.seconds:.1f} s", wanted=wanted
        )
    return unread(LIMIT, None, f"the push ended with {_status(push)} ({WHOLE})")


def whole(said: Said, node: str, *, harbor: bool) -> Finding:
    """What is pushed is there under its name and read back byte for byte; every part is well."""
    wrong = [*_wrong(said), *(_ill(said.words.get("components")) if harbor else ())]
    push, pull = said.transfers.get("push", NOTHING), said.transfers.get("pull", NOTHING)
    found = f"{MEGABYTES} pushed at {push.rate} and pulled at {pull.rate}, on {node}"
    detail = said.error if wrong else ""
    return judged(WHOLE, None, not wrong, found="; ".join(wrong) or found, wanted=WANTED, detail=detail)


def _wrong(said: Said) -> Iterator[str]:
    steps = {"push": CREATED, "tag-probe": CREATED, "resolve": OK, "pull": OK}
    for step, wanted in steps.items():
        got = said.transfers.get(step, NOTHING)
        if got.status != wanted:
            yield f"{step.removesuffix('-probe')}: {_status(got)}"
            return  # what comes after it only says the same
    if "resolved" not in said.words:
        yield "the tag leads to another artefact than was pushed"
    if "same" not in said.words:
        yield "what was read back is not what was pushed"


def _ill(text: str | None) -> Iterator[str]:
    """Yield the components of Harbor's that are not well; without an answer, that there is none."""
    try:
        parts = json.loads(text or "")["components"]
        states = {str(each["name"]): str(each["status"]) for each in parts}
    except (ValueError, KeyError, TypeError):
        yield "Harbor does not say how its parts are"
        return
    yield from (f"{name} is {state}" for name, state in states.items() if state != "healthy")
    if not states:
        yield "Harbor names no part of it"


def _status(got: Transfer) -> str:
    return f"HTTP {got.status}" if got.status else "no answer"


def refuses(said: Said) -> Finding:
    """Without a password nobody reads or writes; no answer is no refusal."""
    asked = {"reads": "anyone-reads", "writes": "anyone-writes"}
    got = {what: said.transfers.get(name, NOTHING).status for what, name in asked.items()}
    if silent := [what for what, status in got.items() if not status]:
        return unread(REFUSES, None, f"nobody answered who {' or '.join(silent)} without a password")
    open_ = [f"{what}: HTTP {status}" for what, status in got.items() if status != UNAUTHORIZED]
    return judged(REFUSES, None, not open_, found="; ".join(open_) or "401, 401", wanted="401 to both")


def pulled(nodes: Mapping[str, str | None], image: str) -> Iterator[Finding]:
    """Every node's runtime pulls from the registry; `nodes` have why it did not, None when it did."""
    for name, why in nodes.items():
        found = image if why is None else why
        yield judged(PULLS, name, why is None, found=found, wanted="the image is pulled by its runtime")
