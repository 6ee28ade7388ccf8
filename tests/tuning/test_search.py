"""The learning-rate search: its winner is the best at the horizon, whatever drives it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from searched_cells import cell, searched
from small_instances import one_chunk, regression

from benchmarks.regret import Exhaustive
from optbench import compare
from optbench.choices import choose_one
from optbench.engine.stop import StopSignal
from optbench.executors.cells import run_cells
from optbench.instance import Instance
from optbench.registry import load_registry
from optbench.study import Cell, build_instances, make_cells
from optbench.targets import RELATIVE_TARGETS
from optbench.tuning.search import CHALLENGERS, Search, Tuner

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"
SEPARABLE = "logistic_regression:data=gaussian,n=6,d=12,seed=11"
STALLING = ("p_norm_mirror_descent", "normalized_gradient_descent", "sign_descent")


def quadratic(smallest: float, largest: float) -> Instance:
    """1/2 w^T diag(smallest, largest) w around (1, 1), whose critical rate is 2 / largest."""
    features = np.diag(np.sqrt([smallest, largest]))
    return regression(
        features, features.sum(axis=1), optimal_value=float, smoothness=lambda: largest / 2.0
    )


def cell_of(instance: Instance) -> Cell:
    (made,) = make_cells((instance,), [choose_one(load_registry(), "gradient_descent")], ())
    return made


def ends(made: Cell, found: Search, horizon: int) -> dict[float, tuple[float, float, float]]:
    """Run every rate that was tried to the horizon at once, and look at every step: for each the
    step from which 1e-8 is kept, inf where it is not or was left shortly before the end, how many
    targets are not kept in that sense, and the final gap over the first."""
    chunk = one_chunk(made.instance, made.choice.optimizer.name, found.rates)
    chunk.advance(horizon, steps=np.arange(horizon + 1))
    gaps = chunk.records.loss / chunk.records.loss[0]
    told = {}
    for rate, gap, status in zip(found.rates, gaps.T, chunk.status, strict=True):
        ended, lost = gap[~np.isnan(gap)], not status.has_numbers
        kept = [math.inf if lost else kept_from(ended, t, horizon) for t in RELATIVE_TARGETS]
        told[rate] = (kept[-1], kept.count(math.inf), math.inf if lost else ended[-1])
    return told


def kept_from(gaps: np.ndarray, target: float, horizon: int) -> float:
    kept = np.flatnonzero(~(gaps <= target))[-1] + 1
    left = kept > np.flatnonzero(gaps <= target)[:1].sum()
    return kept if kept < gaps.size and (not left or 1.1 * kept <= horizon) else math.inf


def test_the_winner_is_the_rate_of_best_contraction():
    """GD on a quadratic contracts by max |1 - rate * eigenvalue| a step."""
    found = searched(cell_of(quadratic(0.25, 1.0)))
    contraction = np.abs(1.0 - np.outer(found.rates, [0.125, 0.5])).max(axis=1)
    assert found.best == np.argmin(contraction)
    assert not found.at_edge
    assert found.critical == pytest.approx(4.0, rel=0.04)
    assert 0.5 <= found.sensitivity <= 1.5


@pytest.mark.parametrize("optimizer", [*STALLING, "adam", "gradient_descent"])
def test_no_rate_that_was_tried_ends_ahead_of_the_winner(optimizer):
    """By brute force: no search is involved, nor what the loop keeps of passages."""
    made, horizon = cell(optimizer=optimizer), 4_000
    found = searched(made, horizon)
    told = ends(made, found, horizon)
    assert told[found.rates[found.best]] == min(told.values())


@pytest.mark.parametrize(
    ("problem", "optimizer"),
    [("quadratic", "sign_descent"), ("nonnegative_least_squares", "adam")],
)
def test_rates_far_above_a_leader_that_keeps_the_target_late_are_run_out(problem, optimizer):
    """They were left behind at a hundredth, and come to rest, or burst no more, before it."""
    made, horizon = cell(problem, optimizer), 10_000
    tuner = Exhaustive(made, 1, horizon, None, 1e-3)
    run_cells([tuner], 1, StopSignal())
    assert tuner.regret.kind == "the best" and tuner.regret.best.kept < horizon


@pytest.mark.parametrize("optimizer", ["sign_descent", "normalized_gradient_descent"])
def test_the_parity_of_the_horizon_does_not_pick_the_rate(optimizer):
    """Rates that are too large jump to and fro between a small loss and a large one."""
    made = cell("quadratic", optimizer)
    even, odd = (searched(made, horizon) for horizon in (1_000, 1_001))
    assert even.rates[even.best] == odd.rates[odd.best]
    told = ends(made, even, 1_000)
    assert told[even.rates[even.best]] == min(told.values()) and even.winner.score.missed < 2


@pytest.mark.parametrize("targets", [np.zeros(4), np.full(4, 2.0)])
def test_where_the_start_is_the_optimum_no_rate_is_at_the_edge(targets):
    features = np.eye(4)[:, :2] if not targets.any() else np.zeros((4, 2))
    optimum = float((targets**2).sum()) / 8.0
    instance = regression(features, targets, optimal_value=lambda: optimum)
    found = searched(cell_of(instance))
    assert found.widened == 0 and len(found.rates) == 13 and not found.at_edge


def test_where_all_rates_diverge_smaller_ones_are_tried(monkeypatch):
    monkeypatch.setattr("optbench.tuning.grid.first", lambda *_: [1e3, 1e4])
    found = searched(cell_of(quadratic(0.25, 1.0)))
    assert found.widened == 2 and found.winner.statuses[0].has_numbers


def test_the_rate_that_stalls_loses(monkeypatch):
    """At a tenth of the horizon 0.0238 is ahead, at the horizon 0.00752, which is slower."""
    rates = [0.00752 * 10.0 ** (k / 2.0) for k in range(-9, 4)]
    monkeypatch.setattr("optbench.tuning.grid.first", lambda *_: rates)
    made = cell("linear_regression:data=digits,rows=30", "p_norm_mirror_descent")
    chunk = one_chunk(made.instance, "p_norm_mirror_descent", [rates[9], rates[10]])
    chunk.advance(100_000)
    gaps = dict(zip(chunk.records.steps.tolist(), chunk.records.loss, strict=True))
    assert gaps[10_000][1] < gaps[10_000][0] and gaps[100_000][0] < 1e-6 * gaps[100_000][1]
    assert searched(made, 100_000).best == 9


def test_a_target_that_is_reached_and_left_does_not_win():
    """Adam with a large rate is at 1e-20 after 200 steps on digits and bursts again and again."""
    problem, optimizer = "linear_regression:data=digits,rows=30", "adam"
    (row,) = compare(problem, optimizer, threads=1, rerun=True).convergence_rows
    kept, reached = row.steps_to["1e-8"], row.reached["1e-8"]
    fastest = min(e.reached["1e-8"] or math.inf for e in row.learning_rates)
    assert fastest < 500 < reached <= kept < row.horizon
    assert row.log10_final_suboptimality < -8.0 and row.success_rate == 1.0


def test_where_the_leader_bursts_a_rate_far_below_it_may_win():
    """On `afiro` Adam is at 1e-8 within 1,000 steps and bursts on; a slower rate stays there."""
    (row,) = compare("linear_program", "adam", threads=1, horizon=100_000).convergence_rows[:1]
    reached = {e.learning_rate: e.reached["1e-8"] or math.inf for e in row.learning_rates}
    fastest = min(reached, key=reached.__getitem__)
    assert row.best_learning_rate < 10.0**-1.5 * fastest
    assert row.steps_to["1e-8"] == row.reached["1e-8"] < row.horizon / 2


def test_diverging_rates_never_win():
    found = searched(cell(), rates=[0.1, 1.0, 10.0])
    assert [each.diverged for each in found.tried] == [False, True, True]
    assert found.best == 0 and found.at_edge and not found.searched


def test_one_diverging_seed_is_enough_to_lose():
    """Of three instances one has a larger curvature: the rate is judged on all of them."""
    made = cell(REGRESSION, seeds=3)
    largest = [2.0 / each.curvature for each in made.instances]
    between = math.sqrt(sorted(largest)[0] * sorted(largest)[1])
    small = 0.01 * min(largest)
    found = searched(made, 3_000, rates=[small, between], seeds=3)
    statuses = [status.value for status in found.tried[1].statuses]
    assert statuses.count("diverged") == 1
    assert found.rates[found.best] == small


def test_every_optimizer_gets_the_same_grid():
    """Thirteen rates two a decade; more only when the winner sits on the edge."""
    for name in ("gradient_descent", "heavy_ball", "adam", "adagrad", "sign_descent"):
        found = searched(cell(optimizer=name))
        steps = np.diff(np.log10(found.rates))
        np.testing.assert_allclose(steps, 0.5, rtol=1e-9)
        assert len(found.rates) == 13 or (len(found.rates) - 13) % 4 == 0
        assert found.searched and found.rates[found.best] is not None


@pytest.mark.parametrize("optimizer", ["gradient_descent", "sign_descent", "adam"])
def test_the_largest_rate_of_a_grid_is_at_its_edge_also_on_separable_data(optimizer):
    found = searched(cell(SEPARABLE, optimizer), horizon=2_000)
    assert found.best == len(found.rates) - 1 and found.at_edge


def test_the_winner_and_its_rivals_run_the_whole_horizon_and_others_less():
    found = searched(cell(SEPARABLE), horizon=20_000)
    assert {each.asked for each in found.tried} == {200, 2_000, 20_000}
    assert [each.asked for each in found.tried].count(20_000) == 1
    assert found.winner.chunks[0].step == 20_000
    made = cell(optimizer="sign_descent")
    found = searched(made, horizon=20_000)
    near = found.tried[found.best - CHALLENGERS : found.best + CHALLENGERS + 1]
    assert {each.asked for each in near} == {20_000}


def test_continuing_equals_running_at_once():
    """The winner was advanced several times; its end is that of one uninterrupted run."""
    made = cell(SEPARABLE)
    found = searched(made, horizon=3_000)
    chunk = one_chunk(made.instance, "gradient_descent", [found.rates[found.best]])
    chunk.advance(3_000)
    (winner,) = found.winner.chunks
    np.testing.assert_array_equal(winner.runs.w, chunk.runs.w)


def test_nothing_to_tune_is_one_run():
    found = searched(cell(optimizer="gradient_descent[learning_rate=0.05]"))
    assert found.rates == [None] and found.critical is None
    assert not found.at_edge and not found.searched


def test_a_stop_ends_the_search_at_once():
    stop = StopSignal()
    stop.set()
    (found,) = run_cells([Tuner(cell(), 1, 10**9, None, 0.0)], 1, stop)
    assert found.winner.statuses == ["interrupted"] and not found.complete


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_stop_in_any_round_leaves_a_winner_and_says_so(after):
    """Ctrl-C while rivals run: the search returns, and is not taken for complete."""
    stop, made = StopSignal(), cell(optimizer="sign_descent")
    asking = Tuner(made, 1, 20_000, None, 0.0).search()
    chunks, horizon = next(asking)
    for _ in range(10_000):
        for chunk in chunks:
            chunk.advance(horizon, stop=stop)
        after -= 1
        if after == 0:
            stop.set()
        try:
            chunks, horizon = asking.send(chunks)
        except StopIteration as end:
            found = end.value
            break
    assert not found.complete
    assert found.winner in found.tried
    assert found.winner.statuses[0].has_numbers


@pytest.mark.parametrize(
    ("rates", "reason"),
    [([1e-9, 1e-8], "none diverges"), ([1e8, 1e9], "all diverge")],
)
def test_without_a_border_there_is_no_critical_rate(rates, reason, monkeypatch):
    monkeypatch.setattr("optbench.tuning.grid.first", lambda *_: rates)
    monkeypatch.setattr("optbench.tuning.search.WIDENED", 0)
    assert searched(cell()).critical is None, reason


def test_too_few_steps_to_diverge_give_no_critical_rate():
    """In 50 steps a run that grows by 4% a step has grown seven times: that is no divergence."""
    assert searched(cell(), horizon=50).critical is None
    assert searched(cell(), horizon=200).critical is not None


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
    """On two threads: seeds with instances of their own, and perturbed starts of one instance."""
    registry = load_registry()
    (built,) = build_instances(registry, problem, 3)
    names = ["heavy_ball", "gradient_descent[learning_rate=0.01]", "adam", "gradient_descent"]
    choices = [choose_one(registry, name) for name in names]
    stop = StopSignal()
    tuners = [Tuner(made, 3, 2_000, rates, 1e-3) for made in make_cells(built, choices, ())]
    seen = set()
    for tuner, found in zip(tuners, run_cells(tuners, 2, stop), strict=True):
        expected = alone(tuner.search())
        assert (found.rates, found.best) == (expected.rates, expected.best)
        assert (found.critical, found.sensitivity) == (expected.critical, expected.sensitivity)
        for one, other in zip(found.tried, expected.tried, strict=True):
            assert (one.score, one.asked) == (other.score, other.asked)
            for chunk, same in zip(one.chunks, other.chunks, strict=True):
                assert chunk.status == same.status
                np.testing.assert_array_equal(chunk.stopped, same.stopped)
                np.testing.assert_array_equal(chunk.runs.theta, same.runs.theta)
                np.testing.assert_array_equal(chunk.records.log_loss, same.records.log_loss)
                seen.update(chunk.status)
    assert seen > {"diverged"}


def test_the_fewest_steps_win_between_two_records():
    """One eigenvalue: 1e-8 after ceil(log 1e-8 / (2 log |1 - rate|)) steps, 84 and 82 here.

    Both are between the records 79 and 100.
    """
    made = cell("quadratic:kappa=1,d=3")
    found = searched(made, horizon=1_000, rates=[0.1042, 0.1067])
    steps = [math.ceil(math.log(1e-8) / (2 * math.log1p(-rate))) for rate in found.rates]
    assert steps == [84, 82]
    assert [each.score.kept for each in found.tried] == steps
    assert found.best == 1
