from __future__ import annotations

import time
from pathlib import Path

import gevent
import pytest
from gevent.server import StreamServer

from deploy.errors import InventoryError
from deploy.load.request import FaultError, ask, listed
from deploy.load.sample import Sample
from deploy.load.target import Api, Target, split
from deploy.load.workload import Workload
from tests.unit.load.server import KEY, Behaviour, serving

WORKLOAD = Workload(prompt_words=4, output_tokens=4)


def asked(behaviour: Behaviour, *, key: str = KEY, api: Api = Api.CHAT, limit: float = 10.0) -> Sample:
    workload = WORKLOAD.model_copy(update={"api": api})
    with serving(behaviour) as server:
        target = Target(server.url, "tiny", key)
        return ask(target, api.path, workload.body("tiny", "run", 1), time.monotonic(), limit)


def failed(sample: Sample) -> tuple[str, str]:
    return sample.fault, sample.said


@pytest.mark.parametrize("api", list(Api))
def test_times_are_those_of_the_tokens_and_counts_those_of_the_server(api: Api) -> None:
    met = asked(Behaviour(first=0.2, gap=0.05, tokens=6), api=api)

    assert (met.fault, met.tokens, met.prompt_tokens) == ("", 6, 9)
    assert met.first_token is not None
    assert met.inter_token is not None
    assert met.first_token >= 0.2
    assert met.inter_token >= 0.045
    assert met.end_to_end >= 0.45
    assert met.end_to_end >= met.first_token + 5 * met.inter_token


def test_a_piece_of_several_tokens_is_not_taken_for_one() -> None:
    met = asked(Behaviour(gap=0.08, tokens=8, per_piece=2))

    assert met.tokens == 8
    assert met.inter_token is not None
    assert met.last is not None
    assert met.first is not None
    assert met.inter_token == (met.last - met.first) / 7


def test_the_longest_pause_is_the_slowest_gap() -> None:
    met = asked(Behaviour(gap=0.2, tokens=2))

    assert met.pause is not None
    assert met.pause >= 0.2


def test_a_server_that_does_not_count_leaves_the_count_unknown() -> None:
    met = asked(Behaviour(usage=False))

    assert (met.fault, met.tokens, met.inter_token) == ("", None, None)
    assert met.first_token is not None


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour(status=503, body='{"message": "overloaded"}'), ("HTTP 503", "overloaded")),
        (Behaviour(status=500), ("HTTP 500", "Said")),
        (Behaviour(break_after=2), ("stream broke off", "the connection was closed in the middle of it")),
        (Behaviour(done=False), ("stream broke off", "it ended before the answer did")),
        (Behaviour(error_after=2), ("error in the stream", "the engine died")),
        (Behaviour(tokens=0), ("no token", "the answer was over without a token")),
        (Behaviour(status=401, body=f"wrong key {KEY}"), ("HTTP 401", "wrong key *MASKED*")),
    ],
)
def test_a_failure_has_its_kind_and_the_servers_words(
    behaviour: Behaviour, expected: tuple[str, str]
) -> None:
    assert failed(asked(behaviour)) == expected


def test_a_wrong_key_is_refused() -> None:
    assert failed(asked(Behaviour(), key="wrong")) == ("HTTP 401", "Unauthorized")


def test_a_stream_that_drips_for_too_long_is_over_in_time() -> None:
    met = asked(Behaviour(gap=0.05, tokens=1000), limit=0.3)

    assert failed(met) == ("timeout", "not over after 0.3 s")
    assert 0.3 <= met.end_to_end < 20


def test_time_that_was_waited_is_gone_from_the_limit() -> None:
    with serving(Behaviour(first=30)) as server:
        before = time.monotonic()
        met = ask(Target(server.url, "tiny", KEY), "completions", b"{}", before - 9.8, 10.0)

    assert met.fault == "timeout"
    assert time.monotonic() - before < 8


def test_nobody_there_is_no_connection() -> None:
    met = ask(Target("http://127.0.0.1:1", "tiny"), "completions", b"{}", time.monotonic(), 5)

    assert failed(met) == ("no connection", "Connection refused")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", "no answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no answer"),
        (b"HTTP/1.1 200 OK\r\n\r\ndata: {not json\n\n", "not a completion's stream"),
        (b"HTTP/1.1 200 OK\r\n\r\ndata: [1]\n\n", "not a completion's stream"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "stream broke off"),
    ],
)
def test_what_is_no_completion_is_called_so(answer: bytes, expected: str) -> None:
    def handle(sock: gevent.socket.socket, _: object) -> None:
        sock.recv(65536)
        sock.sendall(answer)
        sock.close()

    server = StreamServer(("127.0.0.1", 0), handle)
    server.start()
    target = Target(f"http://127.0.0.1:{server.server_port}", "tiny")
    met = ask(target, "completions", b"{}", time.monotonic(), 5)
    server.stop()

    assert met.fault == expected


def test_the_models_are_listed_with_the_key_only() -> None:
    with serving(Behaviour()) as server:
        assert listed(Target(server.url, "tiny", KEY), 5) == ("tiny",)
        with pytest.raises(FaultError, match="Unauthorized") as refused:
            listed(Target(server.url, "tiny", "wrong"), 5)

    assert refused.value.kind == "HTTP 401"


def test_an_address_may_end_in_v1() -> None:
    with serving(Behaviour()) as server:
        listed(Target(f"{server.url}/v1/", "tiny", KEY), 5)
        listed(Target(f"{server.url}/proxy", "tiny", KEY), 5)

    assert server.paths == ["/v1/models", "/proxy/v1/models"]


@pytest.mark.parametrize(
    "url", ["192.0.2.7", "ftp://a", "http://", "http://u:p@a", "http://a:x", "http://a?k=1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InventoryError) as refused:
        split(url)

    assert str(refused.value) == (
        f"{url} is not an address of a server; wanted is http(s)://HOST[:PORT][/PATH]"
    )


def test_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as refused:
        Target("https://127.0.0.1:1", "tiny", ca=tmp_path / "none.pem").connection()

    assert str(refused.value) == (
        f"{tmp_path}/none.pem: these certificates cannot be used: [Errno 2] No such file or directory"
    )


def test_the_key_is_in_no_text_of_a_target() -> None:
    assert KEY not in repr(Target("http://a", "tiny", KEY))


def test_no_prompt_is_asked_twice() -> None:
    prompts = {WORKLOAD.prompt(mark, number) for mark in ("a", "b") for number in range(100)}

    assert len(prompts) == 200
    assert WORKLOAD.prompt("a", 1) == WORKLOAD.prompt("a", 1)
    assert len(WORKLOAD.prompt("a", 1).split()) == 4


def test_a_request_asks_for_usage_and_for_all_tokens() -> None:
    with serving(Behaviour()) as server:
        target = Target(server.url, "tiny", KEY)
        ask(target, "chat/completions", WORKLOAD.body("tiny", "m", 7), time.monotonic(), 5)

    assert server.asked == [
        {
            "model": "tiny",
            "messages": [{"role": "user", "content": WORKLOAD.prompt("m", 7)}],
            "max_tokens": 4,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
            "ignore_eos": True,
        }
    ]
