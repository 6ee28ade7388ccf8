"""The learning-rate search: its centre, its budget, its winner and the critical rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from small_instances import one_chunk, regression

from optbench.engine.stop import StopSignal
from optbench.executors.cells import run_cells
from optbench.instance import Instance
from optbench.registry import load_registry
from optbench.study import Cell, build_instances, make_cells, parse_optimizer
from optbench.targets import log_suboptimality
from optbench.tune import SOLVED, Tuner, momentum_gain, natural_rate, score

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"
SEPARABLE = "logistic_regression:data=gaussian,n=6,d=12,seed=11"


def cell(problem: str = REGRESSION, optimizer: str = "gradient_descent", parameters=()) -> Cell:
    registry = load_registry()
    (built,) = build_instances(registry, problem, 1)
    (made,) = make_cells(built, [parse_optimizer(registry, optimizer)], parameters)
    return made


def search(made: Cell, horizon: int = 1_000, rates=None, seeds: int = 1):
    stop = StopSignal()
    tuner = Tuner(made, seeds, horizon, rates, 1e-3)
    (found,) = run_cells([tuner], 1, stop)
    return found


def quadratic(smallest: float, largest: float) -> Instance:
    """1/2 w^T diag(smallest, largest) w around (1, 1), whose critical rate is 2 / largest."""
    features = np.diag(np.sqrt([smallest, largest]))
    instance = regression(
        features, features.sum(axis=1), optimal_value=float, smoothness=lambda: largest / 2.0
    )
    assert instance.scale == 0.5
    return instance


def test_the_grid_is_centred_at_2_over_l():
    made = cell()
    features = made.instance.features
    largest = np.linalg.eigvalsh(features @ features.T)[-1] / len(features)
    assert natural_rate(made) == pytest.approx(2.0 / largest, rel=1e-9)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_heavy_ball_moves_1_over_1_minus_momentum_farther(momentum):
    """Its velocity under a constant gradient g tends to g / (1 - momentum)."""
    made = cell(optimizer=f"heavy_ball[momentum={momentum}]")
    assert momentum_gain(made) == pytest.approx(1.0 / (1.0 - momentum), rel=1e-9)
    plain = natural_rate(cell())
    assert natural_rate(made) == pytest.approx(plain * (1.0 - momentum), rel=1e-9)


def test_the_step_of_normalised_methods_moves_no_margin_by_more_than_one():
    made = cell(SEPARABLE, "normalized_gradient_descent")
    longest = np.linalg.norm(made.instance.features, axis=1).max()
    assert natural_rate(made) == pytest.approx(1.0 / longest, rel=1e-12)


def test_the_winner_is_the_rate_of_best_contraction():
    """GD on a quadratic contracts by max |1 - rate * eigenvalue| a step."""
    instance = quadratic(0.25, 1.0)
    registry = load_registry()
    (made,) = make_cells((instance,), [parse_optimizer(registry, "gradient_descent")], ())
    found = search(made)
    contraction = np.abs(1.0 - np.outer(found.rates, [0.125, 0.5])).max(axis=1)
    assert found.best == np.argmin(contraction)
    assert not found.at_edge
    assert found.critical == pytest.approx(4.0, rel=0.04)
    assert 0.5 <= found.sensitivity <= 1.5


def test_diverging_rates_score_infinity_and_never_win():
    found = search(cell(), rates=[0.1, 1.0, 10.0])
    assert found.diverged.tolist() == [False, True, True]
    assert np.isinf(found.scores).tolist() == [False, True, True]
    assert found.best == 0 and found.at_edge


def test_every_optimizer_gets_the_same_grid():
    """Thirteen rates two a decade; more only when the winner sits on the edge."""
    for name in ("gradient_descent", "heavy_ball", "adam", "adagrad", "sign_descent"):
        found = search(cell(optimizer=name))
        steps = np.diff(np.log10(found.rates))
        np.testing.assert_allclose(steps, 0.5, rtol=1e-9)
        assert len(found.rates) == 13 or (len(found.rates) - 13) % 4 == 0
        assert found.rates[found.best] is not None


def test_the_winner_runs_the_whole_horizon_and_others_less():
    found = search(cell(SEPARABLE), horizon=2_000)
    lengths = [chunk.step for chunks in found.runs for chunk in chunks]
    assert max(lengths) == 2_000 == found.runs[found.best][0].step
    assert sorted(set(lengths)) == [200, 2_000]


def test_continuing_equals_running_at_once():
    """The winner was advanced three times; its records are those of one uninterrupted run."""
    made = cell(SEPARABLE)
    found = search(made, horizon=3_000)
    chunk = one_chunk(made.instance, "gradient_descent", [found.rates[found.best]])
    chunk.advance(3_000)
    (winner,) = found.runs[found.best]
    np.testing.assert_array_equal(winner.runs.w, chunk.runs.w)


def test_nothing_to_tune_is_one_run():
    found = search(cell(optimizer="gradient_descent[learning_rate=0.05]"))
    assert found.rates == [None] and found.critical is None and not found.at_edge


def test_a_stop_ends_the_search_at_once():
    stop = StopSignal()
    stop.set()
    (found,) = run_cells([Tuner(cell(), 1, 10**9, None, 0.0)], 1, stop)
    assert found.runs[found.best][0].status == ["interrupted"]


def test_scores_rank_speed_before_depth():
    """Solved runs by their steps, below 0; the others by their final gap, above."""
    instance = quadratic(0.25, 1.0)
    chunk = one_chunk(instance, "gradient_descent", [1e-3, 0.3, 2.0, 100.0])
    chunk.advance(300)
    slow, middle, fast, lost = score(instance, chunk)
    assert fast < middle < 0.0 < slow < lost == math.inf
    expected = 2 * 300 * math.log1p(-1e-3 * 0.125)  # of the slow mode, most of the loss's logarithm
    assert slow + SOLVED < 0 and slow + SOLVED > 5 * expected


def test_the_gap_is_above_a_known_optimum_and_floored_at_rounding():
    instance = regression(np.eye(2), np.zeros(2), optimal_value=lambda: 0.5)
    loss = np.array([1.5, 0.5, np.nan])
    gaps = log_suboptimality(np.log(loss), loss, instance.optimum)
    assert gaps[0] == pytest.approx(0.0, abs=1e-15)
    assert gaps[1] == pytest.approx(math.log(2.0 * np.finfo(float).eps))
    assert np.isnan(gaps[2])
    zero = regression(np.eye(2), np.zeros(2), optimal_value=float)
    below = np.array([-1e6])  # far below the smallest float64
    assert log_suboptimality(below, np.zeros(1), zero.optimum)[0] == -1e6


def alone(asking):
    """Answer every request of a search run by run."""
    chunks, horizon = next(asking)
    while True:
        for chunk in chunks:
            chunk.advance(horizon)
        try:
            chunks, horizon = asking.send(chunks)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("problem", [REGRESSION, "linear_regression:data=digits,rows=5"])
@pytest.mark.parametrize("rates", [None, [1e-3, 1e-2, 1e8]])
def test_searches_side_by_side_find_what_each_finds_alone(problem, rates):
    """Seeds with instances of their own, and one instance with perturbed starts."""
    registry = load_registry()
    (built,) = build_instances(registry, problem, 3)
    names = ["heavy_ball", "gradient_descent[learning_rate=0.01]", "adam", "natural_gradient"]
    choices = [parse_optimizer(registry, name) for name in names]
    stop = StopSignal()
    tuners = [Tuner(made, 3, 2_000, rates, 1e-3) for made in make_cells(built, choices, ())]
    seen = set()
    for tuner, found in zip(tuners, run_cells(tuners, 2, stop), strict=True):
        expected = alone(tuner.search())
        assert (found.rates, found.best, found.longest) == (
            expected.rates,
            expected.best,
            expected.longest,
        )
        assert (found.critical, found.sensitivity) == (expected.critical, expected.sensitivity)
        np.testing.assert_array_equal(found.scores, expected.scores)
        every = range(len(found.rates))
        for chunk, other in zip(found.chunks(every), expected.chunks(every), strict=True):
            assert chunk.status == other.status
            np.testing.assert_array_equal(chunk.stopped, other.stopped)
            np.testing.assert_array_equal(chunk.runs.theta, other.runs.theta)
            np.testing.assert_array_equal(chunk.records.log_loss, other.records.log_loss)
            seen.update(chunk.status)
    assert seen > {"diverged"}


def test_the_fewest_steps_win_between_two_records():
    """One eigenvalue: 1e-8 after ceil(log 1e-8 / (2 log |1 - rate|)) steps, 84 and 82 here.

    Both are between the records 79 and 100.
    """
    made = cell("quadratic:kappa=1,d=3")
    found = search(made, horizon=1_000, rates=[0.1042, 0.1067])
    steps = [math.ceil(math.log(1e-8) / (2 * math.log1p(-rate))) for rate in found.rates]
    assert steps == [84, 82]
    assert found.best == 1
