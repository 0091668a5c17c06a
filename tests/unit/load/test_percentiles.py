from __future__ import annotations

from deploy.load.percentiles import Percentiles, spread


def test_percentiles_are_values_that_were_measured() -> None:
    assert spread(value / 1000 for value in range(200, 0, -1)) == Percentiles(
        count=200, p50=0.1, p90=0.18, p95=0.19, p99=0.198, max=0.2
    )


def test_of_a_few_the_high_ones_are_the_slowest() -> None:
    assert spread([3.0, 1.0, 2.0]) == Percentiles(count=3, p50=2.0, p90=3.0, p95=3.0, p99=3.0, max=3.0)


def test_of_one_all_are_that_one() -> None:
    assert spread([0.25]) == Percentiles(count=1, p50=0.25, p90=0.25, p95=0.25, p99=0.25, max=0.25)


def test_what_is_unknown_counts_neither_as_fast_nor_as_slow() -> None:
    assert spread([None, 2.0, None, 4.0]) == Percentiles(count=2, p50=2.0, p90=4.0, p95=4.0, p99=4.0, max=4.0)
    assert spread([None]) is None
    assert spread([]) is None
