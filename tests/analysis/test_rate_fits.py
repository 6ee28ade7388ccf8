"""What holds of the fit of any trace."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rate_traces import NO_FLOOR, log_spaced, names

from optbench.analysis.rates import fit_rate
from optbench.analysis.rates.autoregression import regress


def test_columns_that_are_multiples_of_each_other_leave_a_finite_regression() -> None:
    """The second adds nothing: the rest is that of the first one alone."""
    column = np.geomspace(1e-40, 1e40, 20)
    y = np.random.default_rng(0).standard_normal((1, 20))
    one = regress(column[None, None], y)
    two = regress(np.stack([column, 3e7 * column])[None], y)
    assert np.isfinite(two.slope_error).all()
    np.testing.assert_allclose(two.rest, one.rest, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(scale=st.integers(-1000, 1000), seed=st.integers(0, 2**32 - 1))
def test_law_does_not_depend_on_the_scale_of_the_gap(scale: int, seed: int) -> None:
    steps = log_spaced(1e5)
    y = -np.log(steps) + 0.1 * np.random.default_rng(seed).standard_normal(steps.size)
    plain, moved = fit_rate(steps, y), fit_rate(steps, y + scale)
    assert (names(plain), plain.window) == (names(moved), moved.window)
    # y + 1000 rounds y to 1e-13, and sums of squares of 1e6 cancel to 1e-3.
    for one, other in zip(plain.laws, moved.laws, strict=True):
        assert other.low == pytest.approx(one.low, rel=1e-5, nan_ok=True)


finite = st.one_of(
    st.floats(-800.0, 800.0), st.integers(-110, 110).map(float), st.floats(-1e6, 1e6)
)


@settings(max_examples=100, deadline=None)
@given(
    y=st.lists(
        st.one_of(finite, st.sampled_from([math.nan, math.inf, -math.inf])),
        min_size=1,
        max_size=40,
    )
)
@pytest.mark.filterwarnings("error")
def test_any_trace_gets_a_law_or_a_reason(y: list[float]) -> None:
    rate = fit_rate(np.arange(len(y)), y)
    assert rate.text
    assert (rate.window is None) == (not rate.laws)
    for law in rate.laws:
        assert math.isnan(law.value) or law.low <= law.value <= law.high
        assert law.name == "linear" or not law.low <= 0.0  # no law without a fall


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.floats(0.0, 5.0), slope=st.floats(-3.0, 0.0))
@pytest.mark.filterwarnings("error")
def test_falling_traces_with_any_noise_raise_nothing(seed: int, size: float, slope: float) -> None:
    steps = log_spaced(1e3)
    y = slope * np.log(steps) + size * np.random.default_rng(seed).standard_normal(steps.size)
    assert fit_rate(steps, y, NO_FLOOR).text


def test_equal_input_gives_equal_output() -> None:
    steps = log_spaced(1e4)
    y = -np.log(steps) + 0.1 * np.random.default_rng(1).standard_normal(steps.size)
    assert fit_rate(steps, y) == fit_rate(steps, y)


def test_a_higher_level_has_a_wider_interval() -> None:
    steps = log_spaced(1e5)
    y = -np.log(steps) + 0.05 * np.random.default_rng(1).standard_normal(steps.size)
    narrow, wide = (fit_rate(steps, y, level=level).best for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_table_of_fits_takes_a_second_or_two() -> None:
    """200 rows at 5 to 10 ms of a core each; four times that on a busy machine."""
    steps = log_spaced(1e6)
    traces = -np.log(steps) + 0.1 * np.random.default_rng(0).standard_normal((40, steps.size))
    start = time.thread_time()
    for trace in traces:
        fit_rate(steps, trace)
    assert (time.thread_time() - start) / 40 < 0.04
