"""Fitted laws against traces of known law, closed forms and theorems."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optbench.analysis.rates import LOG_FLOOR, Rate, fit_rate, floor_of_zero
from optbench.analysis.rates.autoregression import regress
from optbench.engine.records import record_steps
from optbench.errors import UserError

NO_FLOOR = -math.inf


def log_spaced(last: float) -> np.ndarray:
    """Steps as the engine records them, without step 0."""
    return record_steps(round(last))[1:].astype(float)


def names(rate: Rate) -> list[str]:
    return [law.name for law in rate.laws]


def alone(rate: Rate, name: str, truth: float) -> None:
    """Assert that one law is left and that its interval holds the truth."""
    assert names(rate) == [name], rate.text
    assert rate.best.low <= truth <= rate.best.high


@pytest.mark.parametrize(
    ("q", "last", "text"),
    [
        (0.9931, 1e5, "0.9931/step"),
        (0.5, 1e3, "0.5000/step"),
        (0.999999, 1e7, "0.9999990/step"),
        (0.05, 1e2, "5.00e-02/step"),
    ],
)
def test_linear(q: float, last: float, text: str) -> None:
    steps = log_spaced(last)
    rate = fit_rate(steps, steps * math.log(q) - 3.0)
    alone(rate, "linear", q)
    # The value is the median of a symmetric mixture around the exact slope.
    assert math.log(rate.best.value) == pytest.approx(math.log(q), rel=1e-6)
    assert rate.text == text
    if q == 0.05:  # 0.05^11 is below the floor of 1e-14: steps 1 to 10 remain
        assert rate.window == (1, 10)


@pytest.mark.parametrize("last", [1e3, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1.0, 31.0])
@pytest.mark.parametrize("a", [0.25, 1.0, 3.0])
def test_a_power_with_an_offset(a: float, offset: float, last: float) -> None:
    """(t + c)^-a, whose interval held a in 0 of 300 when the offset was not fitted."""
    steps = log_spaced(last)
    rate = fit_rate(steps, 2.0 - a * np.log(steps + offset))
    alone(rate, "power", a)
    # 1% of the gap over a decade and a half is 0.003: the interval says no less and not much more.
    assert rate.best.high - rate.best.low < 0.04
    # An offset changes the first gaps by a d / (1 + c): 1% of them, a few times.
    assert rate.best.offset == pytest.approx(offset, abs=0.05 * (1 + offset) / a)
    assert rate.text == f"t^-{a:.2f}"


@pytest.mark.parametrize("b", [1.0, 4.0, 8.0])
def test_the_law_of_implicit_bias_is_no_power(b: float) -> None:
    steps = log_spaced(1e6)
    rate = fit_rate(steps, -np.log(np.log(steps + math.exp(b))))
    assert names(rate) == ["logarithmic"]
    assert rate.text == "1/log t"
    assert math.isnan(rate.best.value) and math.isnan(rate.best.low)


def test_log_t_over_t_is_told_from_powers() -> None:
    steps = log_spaced(1e5)
    assert fit_rate(steps, np.log(np.log(steps + math.e) / (steps + math.e))).text == "(log t)/t"


def test_laws_that_cannot_be_told_apart_are_both_named() -> None:
    """Under noise of 5%, log t / t over three decades is also a power a little below 1."""
    steps = log_spaced(1e3)
    y = np.log(np.log(steps + math.e) / (steps + math.e))
    rate = fit_rate(steps, y + 0.05 * np.random.default_rng(3).standard_normal(steps.size))
    assert set(names(rate)) == {"log over t", "power"}
    assert " or " in rate.text and "(log t)/t" in rate.text


@pytest.mark.parametrize("a", [0.3, 0.5, 0.7, 1.4, 2.0, 2.8])
def test_stretched_and_superlinear(a: float) -> None:
    steps = log_spaced(1e5)
    rate = fit_rate(steps, -20.0 * (steps / 1e5) ** a, NO_FLOOR)
    alone(rate, "stretched" if a < 1 else "superlinear", a)
    assert rate.text == f"exp(-c t^{a:.2f})"


def test_a_power_onto_an_unknown_floor() -> None:
    steps = log_spaced(1e4)
    rate = fit_rate(steps, np.log((steps + 5.0) ** -1.0 + 1e-3))
    alone(rate, "power onto a floor", 1.0)
    assert rate.text == "t^-1.00 + F"
    # A noise floor of 1% per record at the end, where the floor is nine tenths of the gap.
    assert rate.best.log_floor == pytest.approx(math.log(1e-3), abs=0.02)


def test_gaps_far_below_the_smallest_float() -> None:
    steps = log_spaced(1e6)
    rate = fit_rate(steps, steps * math.log(0.9931), NO_FLOOR)
    assert rate.window == (1, 1_000_000)  # log gap -6924 at the end
    assert rate.text == "0.9931/step"


def test_a_plateau_is_no_part_of_the_law() -> None:
    """(1 + (t/d)^3)^(-1/3) is 1 until d and d / t after it, and no (t + s)^-a in between."""
    steps = log_spaced(1e6)
    rate = fit_rate(steps, -np.log1p((steps / 300.0) ** 3) / 3)
    alone(rate, "power", 1.0)
    assert rate.window[0] > 300
    early = fit_rate(steps[steps <= 600], (-np.log1p((steps / 300.0) ** 3) / 3)[steps <= 600])
    assert early.text.startswith("not asymptotic yet")


def test_gradient_descent_on_a_uniform_spectrum() -> None:
    """The gap is the integral of (1 - l)^(2t) over l in [0, 1], which is 1 / (2t + 1)."""
    steps = log_spaced(1e4)
    rate = fit_rate(steps, -np.log(2 * steps + 1))
    alone(rate, "power", 1.0)
    assert rate.best.offset == pytest.approx(0.5, abs=0.05)


def test_nesterov_on_a_uniform_spectrum() -> None:
    """Its residual polynomials are 2 J1(x) / x at x = t sqrt(l), and the integral is 4 / t^2.

    Over the square root r of l, with density 2 r, Gauss-Legendre with 20 nodes on each of 100
    intervals is exact to rounding: the integrand turns 2 t / 100 = 20 radians on each.
    """
    nodes, weights = np.polynomial.legendre.leggauss(20)
    root = ((nodes + 1) / 2 + np.arange(100)[:, None]).ravel() / 100
    curvature, weights = root**2, np.tile(weights / 200, 100) * 2 * root
    steps, gaps = log_spaced(1e3), []
    x = z = np.ones_like(curvature)
    for k in range(1, 1001):
        previous, x = x, (1 - curvature) * z
        z = x + (k - 1) / (k + 2) * (x - previous)
        if k in steps:
            gaps.append(weights @ x**2)
    alone(fit_rate(steps, np.log(gaps)), "power", 2.0)


@pytest.mark.parametrize("seed", range(4))
def test_gradient_descent_on_a_spectrum_with_a_gap(seed: int) -> None:
    """The gap is the sum of c_i (1 - l_i)^(2t): the slowest mode has the asymptotic factor."""
    rng = np.random.default_rng(seed)
    curvature = rng.uniform(10 ** rng.uniform(-3, -1), 1.0, int(rng.integers(3, 30)))
    slowest = curvature.min()
    curvature = np.append(np.maximum(curvature, 1.5 * slowest), slowest)
    steps = log_spaced(1e5)
    modes = np.log(rng.uniform(0.2, 1.0, curvature.size)) + 2 * steps[:, None] * np.log1p(
        -0.999 * curvature
    )
    rate = fit_rate(steps, np.logaddexp.reduce(modes, axis=1))
    alone(rate, "linear", (1 - 0.999 * slowest) ** 2)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_descent_on_separable_data(seed: int) -> None:
    """Soudry et al. 2018 (arXiv:1710.10345): the loss goes like 1 / (gamma^2 eta t)."""
    z = np.random.default_rng(seed).standard_normal((6, 12))
    steps = log_spaced(30_000)
    recorded, w, y = set(steps.tolist()), np.zeros(12), []
    for t in range(1, 30_001):
        w += z.T @ (1.0 / (1.0 + np.exp(z @ w))) / 6
        if t in recorded:
            y.append(math.log(float(np.mean(np.logaddexp(0.0, -z @ w)))))
    alone(fit_rate(steps, y, NO_FLOOR), "power", 1.0)


def test_subgradient_steps_of_1_over_root_t_oscillate_below_root_t() -> None:
    """On |x| they jump over 0: |x_t| <= t^-1/2 once 0 is passed, and comes near it again."""
    steps, x, gaps = log_spaced(1e5), 1.0, []
    recorded = set(steps.tolist())
    for t in range(1, 100_001):
        x -= math.copysign(1.0 / math.sqrt(t), x) * 0.7
        if t in recorded:
            gaps.append(abs(x))
    rate = fit_rate(steps, np.log(gaps), NO_FLOOR)
    assert names(rate) in ([], ["power"])
    assert not rate.laws or rate.best.low <= 0.5 <= rate.best.high


@pytest.mark.parametrize("momentum", [0.9, 0.99, 0.997])
def test_heavy_ball_oscillates_around_its_spectral_rate(momentum: float) -> None:
    curvature = np.array([0.1, 0.31, 1.0])
    steps = log_spaced(3000)
    theta, velocity, gaps = np.ones(3), np.zeros(3), []
    for t in range(int(steps[-1]) + 1):
        if t in steps:
            gaps.append(0.5 * float(curvature @ theta**2))
        velocity = momentum * velocity + curvature * theta
        theta = theta - velocity
    y = np.log(gaps)
    assert (np.diff(y) > 0).any()
    # Complex roots of z^2 - (1 + m - l) z + m: |z|^2 = m is the factor of the gap, for every mode.
    rate = fit_rate(steps, y)
    if rate.laws:  # one run of three modes is no sample: a refusal is honest, another factor is not
        alone(rate, "linear", momentum)


def test_an_oscillation_with_deep_dips_is_read_by_its_envelope() -> None:
    steps = log_spaced(1e6)
    dips = np.where(np.arange(steps.size) % 3 == 1, -20.0, 0.0)
    dips[-3:] = 0.0
    rate = fit_rate(steps, -2 * np.log(steps) + dips, NO_FLOOR)
    alone(rate, "power", 2.0)


def test_a_trace_that_leaves_the_floor_follows_no_law() -> None:
    """0.9017^t to 1e-20, then bursts to e^-2: the row said `linear 0.9017/step`."""
    steps = log_spaced(1e5)
    down = np.maximum(steps * math.log(0.9017), math.log(1e-20))
    bursts = -2.0 - np.random.default_rng(0).exponential(2.0, steps.size)
    rate = fit_rate(steps, np.where(steps > 1000, bursts, down))
    assert not rate.laws
    assert rate.text == "left the floor again at step 1259"  # the first record after 1000
    above = fit_rate(steps, np.where(steps > 1000, bursts, np.maximum(down, -25.0)))
    assert above.text == "rose again at step 1259"


def test_a_floor_that_is_left_and_met_again_is_left() -> None:
    """Adam on afiro and on a transport problem: `exp(-c t^1.60)` and `0.8983/step`, said the rows.

    Both burst by ten decades after they had been at the floor, and end there by chance.
    """
    steps = log_spaced(1e5)
    swings = np.random.default_rng(0).uniform(-27.0, -8.0, steps.size)
    superlinear = -30.0 * (steps / 1500.0) ** 1.6
    y = np.where(steps < 1600, superlinear, swings)
    y[-1] = -40.0
    assert fit_rate(steps, y).text.startswith("left the floor again at step ")
    y = np.maximum(steps * math.log(0.8983), -75.0)
    y[(steps > 3000) & (steps < 6000)] = -10.0
    y[steps > 12_000] = -math.inf
    assert fit_rate(steps, y).text == "left the floor again at step 3162"


def test_the_end_of_a_transient_is_not_called_superlinear() -> None:
    """Adam on afiro from step 126 to the floor: one decade, of which `exp(-c t^1.60)` was said."""
    steps = log_spaced(1259)[-11:]
    gaps = [-5.09, -5.35, -5.61, -5.90, -6.39, -7.31, -8.76, -10.50, -12.90, -16.44, -21.85]
    rate = fit_rate(steps, gaps, NO_FLOOR)
    assert "superlinear" not in names(rate), rate.text


@pytest.mark.parametrize(
    "y",
    [
        [0.0, 0.0, 0.0, 102.0, 0.0, 0.0, 0.0],  # weights of e^102 squared, and nothing beside them
        [5.0, 0.0, 102.0, 0.0, 0.0, 0.0, 5.0],  # the last third begins before the lowest record
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_spike_breaks_nothing(y: list[float]) -> None:
    assert not fit_rate(np.arange(7), y).laws


def test_columns_that_are_multiples_of_each_other_leave_a_finite_regression() -> None:
    """The second adds nothing: the rest is that of the first one alone."""
    column = np.geomspace(1e-40, 1e40, 20)
    y = np.random.default_rng(0).standard_normal((1, 20))
    one = regress(column[None, None], y)
    two = regress(np.stack([column, 3e7 * column])[None], y)
    assert np.isfinite(two.slope_error).all()
    np.testing.assert_allclose(two.rest, one.rest, rtol=1e-6)


def test_a_rounding_floor_that_flickers_is_not_left() -> None:
    steps = log_spaced(1e5)
    flicker = np.log(1e-16) + np.random.default_rng(0).uniform(-2, 2, steps.size)
    rate = fit_rate(steps, np.maximum(steps * math.log(0.99), flicker))
    alone(rate, "linear", 0.99)


def test_rounding_floor() -> None:
    steps = np.append(0.0, log_spaced(1e4))
    newton = fit_rate(steps, -(2.0 ** np.minimum(steps, 9)))
    assert (newton.laws, newton.text) == ((), "at rounding floor from step 6")
    exact = fit_rate(steps, np.where(steps < 3, -steps, -math.inf))
    assert exact.text == "at rounding floor from step 3"


def test_linear_law_is_fitted_above_a_floor_that_the_caller_names() -> None:
    steps = log_spaced(1e4)
    certified = math.log(1e-6)
    y = np.where(steps < 680, steps * math.log(0.98), certified - 1.0)
    rate = fit_rate(steps, y, certified)
    alone(rate, "linear", 0.98)
    assert rate.window[1] == 631  # 0.98^684 = 1e-6


def test_stalled() -> None:
    steps = log_spaced(1e5)
    constant = fit_rate(steps, np.full(steps.size, -2.0))
    assert (constant.laws, constant.text) == ((), "stalled from step 1")
    plateau = fit_rate(steps, np.logaddexp(steps * math.log(0.9), math.log(1e-4)))
    assert plateau.text == "stalled from step 158"  # 0.9^158 = 6e-8 is 6e-4 of the plateau


def test_diverged() -> None:
    steps = np.append(0.0, log_spaced(100))
    y = -0.1 * steps
    for broken in (math.nan, math.inf):
        y[5:] = broken
        assert fit_rate(steps, y).text == f"diverged at step {steps[5]:.0f}"
    assert fit_rate(steps, 0.1 * steps).text == "diverged: the gap grew 2e+04-fold"


def test_too_early_to_tell() -> None:
    steps = log_spaced(1e4)
    # Before 1 / (1 - q) = 1e6 steps the gap has lost 1%: nothing tells q^t from other laws.
    slow = fit_rate(steps, steps * math.log(0.999999))
    assert not slow.laws and slow.text.startswith("not asymptotic yet")
    assert fit_rate(steps[:5], -steps[:5]).text == "not asymptotic yet: 5 records, 6 needed"


def test_crossover_is_refused() -> None:
    """A spectrum of 50 modes over 4 decades, seen up to the condition number."""
    curvature = np.geomspace(1e-4, 1.0, 50)
    steps = log_spaced(1e4)
    modes = np.log(curvature) + 2 * steps[:, None] * np.log1p(-0.99 * curvature)
    rate = fit_rate(steps, np.logaddexp.reduce(modes, axis=1))
    assert not rate.laws
    assert rate.text.startswith("not asymptotic yet: ")


def spectrum(curvature: np.ndarray, steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Log gaps of gradient descent from 0 over the first: sum of c_i (1 - l_i)^(2t), c_i ~ l_i."""
    log_size = np.log(curvature * rng.standard_normal(curvature.size) ** 2)
    modes = log_size + 2 * steps[:, None] * np.log1p(-0.999 * curvature)
    return np.logaddexp.reduce(modes, axis=1) - np.logaddexp.reduce(log_size)


def test_gaps_from_an_optimum_of_zero_are_right_to_the_square_of_rounding() -> None:
    """Geometric spectra with kappa = 100: the slowest mode is alone below 1e-14 only.

    Its share of 1e-14 at step 1,600 falls by another 14 decades until 3,200.
    """
    rng, steps = np.random.default_rng(0), log_spaced(1e4)
    traces = [spectrum(np.geomspace(0.01, 1.0, 50), steps, rng) for _ in range(20)]
    rates = [fit_rate(steps, trace, floor_of_zero(steps, trace)) for trace in traces]
    found = [rate for rate in rates if names(rate) == ["linear"]]
    assert len(found) >= 16
    cut_early = [fit_rate(steps, trace, trace[0] + LOG_FLOOR) for trace in traces]
    assert len([rate for rate in cut_early if rate.laws]) < len(found)


def test_a_gap_that_falls_past_1e_14_is_not_at_its_floor() -> None:
    """Log10 gaps of exponentiated gradient on afiro fall by 7 in each of the last records."""
    steps = log_spaced(1e5)
    y = steps * math.log(10.0) * -29.9 / 1e5
    assert floor_of_zero(steps, y) == pytest.approx(y[0] + 2 * LOG_FLOOR)
    alone(fit_rate(steps, y, floor_of_zero(steps, y)), "linear", 10 ** (-29.9 / 1e5))


@pytest.mark.parametrize("level", [1e-16, 1e-24])
def test_a_trace_that_rests_between_rounding_and_its_square_is_at_a_floor(level: float) -> None:
    """A loss that is no square, or large weights that cancel: the rest is noise about a level."""
    steps = log_spaced(1e4)
    noise = math.log(level) + np.random.default_rng(0).uniform(-1, 1, steps.size)
    y = np.maximum(steps * math.log(0.98), noise)
    floor = floor_of_zero(steps, y)
    assert floor == pytest.approx(math.log(level), abs=1.0)
    alone(fit_rate(steps, y, floor), "linear", 0.98)


@pytest.mark.parametrize("kappa", [1e3, 1e4])
def test_a_spectrum_that_is_not_asymptotic_is_not_called_stretched(kappa: float) -> None:
    """At t = kappa the modes still die out one by one: 6 of 40 were `exp(-c t^0.3)`."""
    rng, steps = np.random.default_rng(5), log_spaced(kappa)
    for _ in range(40):
        rate = fit_rate(steps, spectrum(np.geomspace(1 / kappa, 1.0, 50), steps, rng))
        assert "linear" in names(rate) or not rate.laws, rate.text


def test_a_stretched_law_that_ends_in_one_factor_has_both_names() -> None:
    """exp(-t^0.7) whose last decade may as well be q^t, under noise that hides the difference."""
    steps = log_spaced(1e4)
    noise = 0.2 * np.random.default_rng(1).standard_normal((20, steps.size))
    rates = [fit_rate(steps, -20.0 * (steps / 1e4) ** 0.7 + each, NO_FLOOR) for each in noise]
    both = [rate for rate in rates if names(rate) == ["stretched", "linear"]]
    assert both
    assert "/step" in both[0].text and "exp(-c t^" in both[0].text


def test_the_approach_of_steps_of_one_size_is_not_superlinear() -> None:
    """Flat, then exp(-c t^1.67) over the last one and a half decades, as Adam's approach was."""
    steps = log_spaced(3162)
    y = -32.0 * (np.maximum(steps, 63.0) / 3162) ** 1.67
    rate = fit_rate(steps, y, NO_FLOOR)
    assert "superlinear" not in names(rate), rate.text


@pytest.mark.parametrize("last", [1e3, 1e4, 1e5, 1e6])
def test_powers_of_a_logarithm_have_no_floor(last: float) -> None:
    """1 / log^2 t and 1 / log log t tend to 0: `t^-0.29 + F` was said of the first."""
    steps = log_spaced(last)
    for y in (
        -2 * np.log(np.log(steps + 3)),
        -3 * np.log(np.log(steps + 3)),
        -np.log(np.log(np.log(steps + 16))),
    ):
        rate = fit_rate(steps, y)
        assert "power onto a floor" not in names(rate) or "log power" in names(rate), rate.text


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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"steps": [0, 1], "log_gap": [0.0]}, "one log gap per recorded step"),
        ({"steps": [], "log_gap": []}, "one log gap per recorded step"),
        ({"steps": [1, 1], "log_gap": [0.0, 0.0]}, "increasing"),
        ({"steps": [1, 2], "log_gap": [0.0, 0.0], "level": 95}, "level is 95"),
    ],
)
def test_wrong_input_is_one_clear_line(arguments: dict, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        fit_rate(**arguments)
    assert "\n" not in str(caught.value)
