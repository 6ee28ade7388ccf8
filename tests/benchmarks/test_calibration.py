"""A smaller run of the simulation that calibrates the rate laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.calibration import (
    BEHAVIOURS,
    CLEAR_NOISE,
    NOISES,
    CellOfTable,
    Noise,
    Truth,
    cell,
    judged,
)
from optbench.analysis.rates import FittedLaw, Rate

ONCE_IN = 1e-4  # chance of a false alarm in each assertion


def least(share: float, traces: int) -> int:
    """Return the count that a true share goes below once in 10,000."""
    return int(stats.binom.ppf(ONCE_IN, traces, share))


def most(share: float, traces: int) -> int:
    """Return the count that a true share goes beyond once in 10,000."""
    return int(stats.binom.isf(ONCE_IN, traces, share))


def calibrated(behaviour: str, noise: Noise, traces: int, seed: int) -> CellOfTable:
    """Return a cell that meets the targets of the table, with the tolerance of a binomial count."""
    found = cell(behaviour, noise, traces, seed)
    assert found.wrong * traces <= most(0.02, traces), found
    if not math.isnan(found.covers):
        right = round(found.right * traces)
        held = round(found.covers * right)
        assert held >= least(0.93, right), found
    return found


@pytest.mark.parametrize(
    ("behaviour", "noise"),
    [
        ("q^t", Noise(0.05, 0.8)),
        ("(t+c)^-a", Noise(0.0, 0.0)),
        ("(t+c)^-a", Noise(0.05, 0.4)),
        ("1/log(t+e^b)", Noise(0.05, 0.0)),
        ("(t+c)^-a + F", Noise(0.05, 0.0)),
        ("plateau, then t^-a", Noise(0.2, 0.4)),
        ("leaves the floor", Noise(0.05, 0.4)),
        ("random walk", Noise(0.0, 0.0)),
    ],
    ids=str,
)
def test_a_few_cells(behaviour: str, noise: Noise) -> None:
    """40 traces: of intervals that hold in 93% of them, fewer than 30 hold once in 10,000 times."""
    calibrated(behaviour, noise, 40, seed=1)


def test_a_floor_under_loud_noise_is_mostly_refused() -> None:
    """The worst cell of the table: a power without the floor was told of 25% of its traces.

    Of 100 traces a true share of 5% is beyond 14 once in 10,000 times.
    """
    found = cell("(t+c)^-a + F", Noise(0.2, 0.4), 100, seed=1)
    assert found.wrong * 100 <= most(0.05, 100), found


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", ["q^t", "(t+c)^-a", "exp(-k t^a), a<1", "exp(-k t^a), a>1"])
def test_laws_without_a_rough_transient(behaviour: str) -> None:
    """Every noise, 60 traces: the clear cells must also find the law.

    Of 60 traces fewer than 49 are right once in 10,000 times where 95% should be.
    """
    for noise in NOISES:
        found = calibrated(behaviour, noise, 60, seed=2)
        if noise.size <= CLEAR_NOISE:
            assert found.right * 60 >= least(0.95, 60), found


def test_correlated_noise_is_what_it_says() -> None:
    """An autoregressive sequence of order one: variance and lag-one covariance of 400 draws."""
    draws = np.array([Noise(0.2, 0.8).draw(50, np.random.default_rng(k)) for k in range(400)])
    # Of 20,000 numbers with an effective sample of 20,000 / 9, errors of variance are 3%.
    assert draws.var() == pytest.approx(0.04, rel=0.15)
    assert (draws[:, 1:] * draws[:, :-1]).mean() == pytest.approx(0.032, rel=0.15)


def test_a_fit_is_judged_by_the_law_and_the_value() -> None:
    def rate(name: str, low: float, high: float) -> Rate:
        law = FittedLaw(name, (low + high) / 2, low, high, math.nan, -math.inf, name)
        return Rate((law,), (1, 10), name)

    truth = Truth(np.zeros(3), "power", 1.0)
    assert judged(truth, rate("power", 0.9, 1.1)).covers
    assert judged(truth, rate("power", 1.1, 1.2)).covers is False
    wrong = judged(truth, rate("linear", 0.9, 1.1))
    assert wrong.told and not wrong.right and wrong.covers is None
    assert judged(Truth(np.zeros(3), None), rate("linear", 0.9, 1.1)).right is False


def test_every_behaviour_has_a_trace() -> None:
    steps = np.arange(1.0, 1001.0)
    for behaviour in BEHAVIOURS.values():
        truth = behaviour(steps, np.random.default_rng(0))
        assert truth.log_gap.shape == steps.shape and np.isfinite(truth.log_gap).all()
