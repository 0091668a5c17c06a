from __future__ import annotations

from deploy.load.level import Level, Load
from deploy.load.percentiles import Percentiles
from tests.unit.load.samples import FOUR, RATED, level, sample


def same(value: float, count: int) -> Percentiles:
    return Percentiles(count=count, p50=value, p90=value, p95=value, p99=value, max=value)


def test_a_level_adds_up_what_was_answered_and_counts_what_was_not() -> None:
    assert (
        Level(
            load=Load(clients=4),
            seconds=6.3,
            answered=4,
            failed={"HTTP 503": 2, "stream broke off": 1},
            said={"HTTP 503": "overloaded", "stream broke off": "it ended before the answer did"},
            prompt_tokens=40.0,
            output_tokens=44,
            output_tokens_per_second=6.984,
            requests_per_second=0.635,
            first_token=Percentiles(count=4, p50=1.1, p90=1.3, p95=1.3, p99=1.3, max=1.3),
            inter_token=same(0.2, 4),
            end_to_end=Percentiles(count=4, p50=3.1, p90=3.3, p95=3.3, p99=3.3, max=3.3),
            longest_pause=same(0.2, 4),
            late=0.001,
        )
        == FOUR
    )


def test_tokens_are_unknown_as_soon_as_one_answer_did_not_count_them() -> None:
    assert (RATED.output_tokens, RATED.output_tokens_per_second) == (None, None)
    assert RATED.inter_token == same(0.1, 1)
    assert RATED.requests_per_second == 1.0


def test_waiting_for_a_turn_is_part_of_a_requests_time() -> None:
    waited = sample(1.0, first=2.5, sent=3.0)

    assert (waited.first_token, waited.end_to_end) == (2.5, 3.5)


def test_pieces_are_no_tokens() -> None:
    in_twos = sample(0.0, first=1.0, gap=0.2, tokens=21)

    assert in_twos.inter_token == 0.1


def test_one_token_has_no_time_to_the_next() -> None:
    assert sample(0.0, tokens=1).inter_token is None


def test_a_level_in_which_nothing_was_due_has_no_times() -> None:
    empty = level(Load(rate=0.01))

    assert (empty.answered, empty.errors, empty.first_token, empty.output_tokens) == (0, 0, None, None)
    assert (empty.seconds, empty.requests_per_second) == (0.0, 0.0)
