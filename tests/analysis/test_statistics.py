"""The bootstrap interval of a median against scipy, exact binomial coverage and censoring."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.statistics import median_interval
from optbench.errors import UserError


def test_agrees_with_scipy_percentile_bootstrap() -> None:
    values = np.random.default_rng(3).lognormal(size=40)
    median, low, high = median_interval(values, resamples=20_000)
    assert median == np.median(values)
    theirs = stats.bootstrap(
        (values,), np.median, method="percentile", n_resamples=20_000, rng=1, vectorized=True
    ).confidence_interval
    # The ends are among few distinct medians: two Monte Carlo runs differ by one order statistic.
    spacing = np.diff(np.sort(values))[10:30].max()
    assert abs(low - theirs.low) <= spacing
    assert abs(high - theirs.high) <= spacing


def test_covers_the_true_median_at_the_nominal_level() -> None:
    draws = np.random.default_rng(0).exponential(size=(400, 25))
    intervals = [median_interval(row, resamples=500) for row in draws]
    hits = sum(low <= math.log(2.0) <= high for _, low, high in intervals)
    # The exponential's median is log 2; binomial sd at 95% is 1.1%, the bootstrap is known to be
    # off by a few percent at n = 25.
    assert 0.90 <= hits / 400 <= 0.99


def test_three_values_give_their_range() -> None:
    # A resample of 3 has median min with probability 7/27 > 2.5%, and the same for max.
    assert median_interval([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)


def test_one_value_has_no_interval() -> None:
    median, low, high = median_interval([7.0])
    assert median == 7.0
    assert math.isnan(low) and math.isnan(high)


@pytest.mark.parametrize("failed", [math.nan, math.inf, -math.inf])
def test_failed_runs_are_censored(failed: float) -> None:
    median, low, high = median_interval([1.0, 2.0, 3.0, failed, 5.0])
    assert median == 3.0
    assert low == 1.0
    assert high == math.inf
    assert median_interval([1.0, failed, failed])[0] == math.inf
    assert median_interval([failed, failed]) == (math.inf, math.inf, math.inf)


def test_equal_input_gives_equal_output_and_leaves_numpy_alone() -> None:
    values = np.arange(9.0) ** 2
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert median_interval(values) == median_interval(values)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_interval_widens_with_the_level() -> None:
    values = np.random.default_rng(5).normal(size=30)
    ends = [median_interval(values, level)[1:] for level in (0.5, 0.8, 0.95, 0.999)]
    lows, highs = zip(*ends, strict=True)
    assert list(lows) == sorted(lows, reverse=True) and lows[0] > lows[-1]
    assert list(highs) == sorted(highs) and highs[0] < highs[-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"values": []}, "empty"),
        ({"values": ["fast"]}, "numbers"),
        ({"values": [1.0, 2.0], "level": 1.0}, "level is 1.0"),
        ({"values": [1.0, 2.0], "resamples": 0}, "resamples is 0"),
    ],
)
def test_wrong_input_is_one_clear_line(arguments: dict, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        median_interval(**arguments)
    assert "\n" not in str(caught.value)
