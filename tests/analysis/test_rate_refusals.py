"""Traces that follow no law, or only down to a floor."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rate_traces import alone, log_spaced, names, spectrum

from optbench.analysis.rates import LOG_FLOOR, fit_rate, floor_of_zero
from optbench.errors import UserError


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
