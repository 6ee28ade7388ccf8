"""A smaller run of the simulation that calibrates the rate laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.calibration import (
    BEHAVIOURS,
    NOISES,
    CellOfTable,
    Noise,
    Truth,
    cell,
    is_clear,
    judged,
    main,
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
    clear = round(found.clear * traces)
    if clear:
        assert round(found.of_clear * clear) >= least(0.95, clear), found
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
        ("(t+c)^-a + F", Noise(0.2, 0.4)),
        ("plateau, then t^-a", Noise(0.05, 0.8)),
        ("leaves the floor", Noise(0.05, 0.4)),
        ("random walk", Noise(0.0, 0.0)),
        ("1/log(t+e^b)^2", Noise(0.0, 0.0)),
        ("1/log(t+e^b)^2", Noise(0.05, 0.4)),
        ("many modes", Noise(0.0, 0.0)),
        ("many modes", Noise(0.05, 0.4)),
    ],
    ids=str,
)
def test_a_few_cells(behaviour: str, noise: Noise) -> None:
    """40 traces: of intervals that hold in 93% of them, fewer than 30 hold once in 10,000 times."""
    calibrated(behaviour, noise, 40, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", ["q^t", "(t+c)^-a", "exp(-k t^a), a<1", "exp(-k t^a), a>1"])
def test_laws_without_a_rough_transient(behaviour: str) -> None:
    """Every noise, 60 traces."""
    for noise in NOISES:
        calibrated(behaviour, noise, 60, seed=2)


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


def test_what_makes_a_trace_clear() -> None:
    """1 / (t + c): noise of at most 5%, a decade and a half after c, and a fall of 20 times it."""
    t = np.geomspace(1.0, 1000.0, 31)

    def clear(c: float, a: float, noise: float) -> bool:
        return is_clear(Truth(-a * np.log(t + c), "power", a, since=c), t, Noise(noise, 0.0))

    assert clear(10.0, 1.0, 0.05)
    assert not clear(40.0, 1.0, 0.05)  # 1,000 is only 25 times as far
    assert not clear(10.0, 1.0, 0.2)
    assert not clear(10.0, 0.2, 0.05)  # 101^0.2 / 2^0.2 is e^0.78, of 5% noise 16 times
    assert not is_clear(Truth(-np.log(t), None), t, Noise(0.0, 0.0))


def test_processes_share_the_cells_and_print_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for jobs in ("1", "2"):
        asked = ["calibration", "--traces", "8", "--only", "q^t", "--jobs", jobs]
        monkeypatch.setattr("sys.argv", asked)
        main()
        printed.append(capsys.readouterr().out.split("\n\n")[0])
    assert printed[0] == printed[1]
    assert printed[0].count("| `q^t` |") == len(NOISES)
