"""The bootstrap interval of a median against scipy, exact binomial coverage and censoring."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.statistics import block_bootstrap, median_interval
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


def test_block_bootstrap_has_the_standard_error_of_least_squares() -> None:
    x = np.linspace(0.0, 1.0, 4000)
    noise = np.random.default_rng(8).normal(size=x.size)
    fit = stats.linregress(x, 3.0 - 2.0 * x + noise)
    residual = 3.0 - 2.0 * x + noise - fit.intercept - fit.slope * x
    deviations = block_bootstrap(np.column_stack([np.ones_like(x), x]), residual, 4000, seed=1)
    # Independent residuals: both estimate sigma / sqrt(Sxx); 4000 resamples give 1.1%, the
    # 250 blocks' worth of sample correlation a few percent.
    assert deviations.std() == pytest.approx(fit.stderr, rel=0.1)
    assert abs(deviations.mean()) < 4 * fit.stderr / math.sqrt(4000)


def test_block_bootstrap_is_not_fooled_by_leverage() -> None:
    """On log-spaced steps the last record carries most of the slope, so its residual is small."""
    x = 10.0 ** (np.arange(16) / 10)
    design = np.column_stack([np.ones_like(x), x])
    truth = 1.0 / math.sqrt(((x - x.mean()) ** 2).sum())
    rng = np.random.default_rng(4)
    ratios = []
    for seed in range(200):
        noise = rng.normal(size=x.size)
        residual = noise - design @ np.linalg.lstsq(design, noise, rcond=None)[0]
        ratios.append(block_bootstrap(design, residual, 200, seed).std() / truth)
    # Unit noise, so the standard error is 1 / sqrt(Sxx).  Plain residuals have variance 1 - 2/16
    # and negative correlation inside a block: they give 0.87 or less.
    assert 0.92 <= np.mean(ratios) <= 1.1


def test_block_bootstrap_sees_correlated_residuals() -> None:
    """AR(1) residuals with coefficient 0.5 widen the error of a slope by sqrt(1.5 / 0.5)."""
    x = np.linspace(0.0, 1.0, 4000)
    noise = np.random.default_rng(9).normal(size=x.size)
    for i in range(1, x.size):
        noise[i] += 0.5 * noise[i - 1]
    fit = stats.linregress(x, noise)
    residual = noise - fit.intercept - fit.slope * x
    deviations = block_bootstrap(np.column_stack([np.ones_like(x), x]), residual, 4000, seed=1)
    # Blocks of 16 lose about 1/12 of the variance that the correlation adds.
    assert deviations.std() / fit.stderr == pytest.approx(math.sqrt(3.0), rel=0.15)


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
