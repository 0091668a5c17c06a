"""Whatever a host prints, it is read or it is unavailable with a cause; nothing crashes."""
# ruff: noqa: E501 - what hosts print is not wrapped

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.collect.collection import CollectionError, parse
from checks.collect.observed import Window, observed
from checks.collect.script import Answer
from checks.preflight import preflight
from tests.unit.checks.machines import cluster, healthy

SAVED = Path(__file__).with_name("lab-collection.json")
REAL = json.loads(SAVED.read_text())["hosts"]["cp1"]["answers"]
SEEN = {name: text for name, (text, _) in REAL.items()} | {
    "pci": (
        "bus\ngpu slot=0000:03:00.0 class=0x030000 vendor=0x8086 device=0x56a0 driver=xe numa=-1 vga=1 group=19\n"
        "bar 0000:03:00.0 0x0000007800000000 0x0000007bffffffff 0x000000000014220c\n"
        "drm 0000:03:00.0 card1 node\nhop slot=0000:03:00.0 at=0000:03:00.0 vendor=0x8086 width=1 max_width=1 "
        "speed=2.5 max_speed=2.5"
    ),
    "gpu_state": (
        "gpu\nfabric switches=4 state=active version=595.91.07\nloaded xe \nmodule 6.8.0-84-generic xe tree \nblacklist nouveau\nsecureboot on\ndkms a/1, b: installed\n"
        "log xe: GuC failed\nnode renderD128\nkfd 0\nlibrary libnvidia-compute-595 595.91 ii\nuser 7 /dev/kfd ollama"
    ),
    "clock": "now=1796002298.954443\nkeeper=chronyd\nsynchronised=yes",
    "runtime": "version=containerd github.com/containerd/containerd v2.3.7 abc\nsocket=answers\nconfig=dmVyc2lvbiA9IDMK",
    "firewall": "ufw=Status: active\niptables=iptables v1.8.9 (nf_tables)\nlegacy=3\ninput=DROP",
}  # fmt: skip
NAMES = sorted(SEEN)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, str]:
    """A section's real output with something cut out, repeated, or put in."""
    name = draw(st.sampled_from(NAMES))
    text = SEEN[name]
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    put = draw(
        st.text(max_size=30) | st.sampled_from(["=", "\t", "\n", "-1", "0x", "99999999999999999999999", "%"])
    )
    kind = draw(st.sampled_from(["cut", "repeat", "put"]))
    middle = {"cut": "", "repeat": text[start:end] * 2, "put": put}[kind]
    return name, text[:start] + middle + text[end:]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_damaged_output_is_read_or_has_a_cause(broken: tuple[str, str]) -> None:
    name, text = broken
    host = observed("w1", {name: Answer(text, 0)}, Window(0, 1))

    assert getattr(host, name) is not None or host.cause(name)
    preflight(cluster(), [host])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), st.text(max_size=300))
def test_any_text_is_read_or_has_a_cause(name: str, text: str) -> None:
    host = observed("w1", {name: Answer(text, 0)}, Window(0, 1))

    assert getattr(host, name) is not None or host.cause(name)
    preflight(cluster(), [host])


def test_a_line_of_ten_megabytes_does_no_harm() -> None:
    text = "x" * 10_000_000

    host = observed("w1", {name: Answer(text, 0) for name in NAMES}, Window(0, 1))

    assert host.system is None
    assert host.cause("system") == (
        "not what was asked for: nothing was said about uid, kernel, arch, hostname"
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_was_printed_is_read(name: str) -> None:
    host = observed("w1", {name: Answer(SEEN[name], 0)}, Window(0, 1))

    assert getattr(host, name) is not None, host.cause(name)


def test_a_saved_collection_is_judged_as_it_was_read() -> None:
    collection = parse(SAVED.read_text(), str(SAVED))

    again = parse(collection.text(), "again")

    assert again == collection
    assert [host.host for host in again.observations()] == ["cp1", "w1"]
    assert all(not host.causes for host in again.observations())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "x.json: not a collection that `slipway preflight --save` wrote"),
        ("[]", "x.json: not a collection that `slipway preflight --save` wrote"),
        (
            '{"schema_version": 2}',
            "x.json: a collection of version 2; this slipway reads version 1: collect again with --save",
        ),
    ],
)
def test_a_file_that_is_no_collection_is_refused(text: str, said: str) -> None:
    with pytest.raises(CollectionError) as caught:
        parse(text, "x.json")

    assert str(caught.value) == said


def test_the_table_of_hosts_is_what_is_observed() -> None:
    assert set(REAL) <= set(healthy().__dataclass_fields__)
