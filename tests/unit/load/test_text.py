from __future__ import annotations

from deploy.load import text
from deploy.load.compare import changes
from deploy.load.level import Load
from tests.unit.load.samples import FOUR, ONE, RATED, level, run, sample


def test_a_run_is_two_tables_its_errors_and_what_must_be_known() -> None:
    assert text.render(run(ONE, FOUR, RATED, about="dummy weights, CPU")) == (
        "tiny at http://192.0.2.7:80: prompts of 32 words, answers of 11 tokens; dummy weights, CPU\n"
        "\n"
        "load       answered  errors  requests/s  output tokens/s  tokens of a prompt\n"
        "1 client          3       0        0.65              7.2                  40\n"
        "4 clients         4       3        0.64              7.0                  40\n"
        "2.5/s             2       0        1.00          unknown                  40\n"
        "\n"
        "load       time               p50      p90      p95      p99      max\n"
        "1 client   first token     500 ms   600 ms   600 ms   600 ms   600 ms\n"
        "           inter-token     100 ms   100 ms   100 ms   100 ms   100 ms\n"
        "           end to end     1500 ms  1600 ms  1600 ms  1600 ms  1600 ms\n"
        "           longest pause   100 ms   100 ms   100 ms   100 ms   100 ms\n"
        "4 clients  first token    1100 ms  1300 ms  1300 ms  1300 ms  1300 ms\n"
        "           inter-token     200 ms   200 ms   200 ms   200 ms   200 ms\n"
        "           end to end     3100 ms  3300 ms  3300 ms  3300 ms  3300 ms\n"
        "           longest pause   200 ms   200 ms   200 ms   200 ms   200 ms\n"
        "2.5/s      first token     500 ms   500 ms   500 ms   500 ms   500 ms\n"
        "           inter-token     100 ms   100 ms   100 ms   100 ms   100 ms\n"
        "           end to end     1500 ms  1500 ms  1500 ms  1500 ms  1500 ms\n"
        "           longest pause   100 ms   100 ms   100 ms   100 ms   100 ms\n"
        "\n"
        "errors\n"
        "  4 clients: 2 x HTTP 503: overloaded\n"
        "  4 clients: 1 x stream broke off: it ended before the answer did\n"
        "\n"
        "Dummy weights: the figures tell that the way to the model works, not how fast a real one is.\n"
        "Not counted: 1 request of every client to warm up before each level.\n"
        "Every prompt is new and every request has a connection of its own, which is part of its time.\n"
        "Under a rate, a request's time begins when it was due, not when it could be sent.\n"
        "A client whose request failed waited 0.5 s before its next.\n"
        "Percentiles are measured values (nearest rank): p99 of fewer than 100 is the slowest.\n"
        "2.5/s: the server did not count its tokens (usage), so tokens/s and inter-token are unknown.\n"
        "2.5/s: this machine was too busy to measure finely: it ran 30.1 ms late itself.\n"
    )


def test_a_comparison_shows_both_numbers_their_ratio_and_what_is_worse() -> None:
    before = run(ONE)
    now = run(level(Load(clients=1), sample(0, first=0.6), sample(1.5, first=0.6), sample(3, tokens=None)))
    now = now.model_copy(update={"compared": changes(before, now, 0.1)})

    assert text.comparison(now, before) == (
        "beside tiny at http://192.0.2.7:80, 2026-11-30 08:00 UTC\n"
        "\n"
        "load      measure           before      now    ratio\n"
        "1 client  errors             0.0 %    0.0 %\n"
        "1 client  output tokens/s     7.17  unknown  unknown  worse\n"
        "1 client  requests/s          0.65     0.67   x 1.02\n"
        "1 client  first token p50   500 ms   600 ms   x 1.20  worse\n"
        "1 client  first token p95   600 ms   600 ms   x 1.00  too few to judge\n"
        "1 client  inter-token p50   100 ms   100 ms   x 1.00\n"
        "1 client  inter-token p95   100 ms   100 ms   x 1.00  too few to judge\n"
        "1 client  end to end p50   1500 ms  1600 ms   x 1.07\n"
        "1 client  end to end p95   1600 ms  1600 ms   x 1.00  too few to judge"
    )


def test_an_interrupted_run_without_a_level_says_so() -> None:
    assert text.render(run(interrupted=True, warm_up=2)) == (
        "tiny at http://192.0.2.7:80: prompts of 32 words, answers of 11 tokens\n"
        "\n"
        "Nothing was measured.\n"
        "\n"
        "Not counted: 2 requests of every client to warm up before each level.\n"
        "Every prompt is new and every request has a connection of its own, which is part of its time.\n"
        "Interrupted: the last level is cut short, and what was under way is not counted.\n"
    )


def test_a_level_in_which_nothing_was_due_says_so() -> None:
    assert "0.01/s: no request was due in that time.\n" in text.render(run(level(Load(rate=0.01))))
