"""Runs that go on beyond the horizon until they have settled."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import compare
from optbench.analysis.rows import settled
from optbench.choices import choose_one
from optbench.registry import load_registry
from optbench.study import build_instances, make_cells
from optbench.tuning import until_verdict
from optbench.tuning.search import Tuner

PROBLEM = "logistic_regression:data=gaussian,n=6,d=12,seed=11"
ADAM = "adam[eps=0,decay=0.5,beta2=0.99,learning_rate=0.3]"
GRADIENT_DESCENT = "gradient_descent[learning_rate=0.5]"


def told(**options):
    chosen = [ADAM, GRADIENT_DESCENT]
    return compare([PROBLEM], chosen, horizon=10_000, rerun=True, **options)


@pytest.fixture(name="further", scope="module")
def further_fixture():
    return told(until_verdict=True, threads=1)


def test_a_run_in_transit_goes_on_until_it_has_settled_and_the_row_says_how_far(further):
    before, after = told(threads=1).bias_rows[0], further.bias_rows[0]
    assert (before.selected, before.towards, before.steps) == ("moving", "linf", 10_000)
    assert (after.selected, after.theory) == ("linf", "linf")
    assert after.steps in [round(10_000 * factor) for factor in until_verdict.FURTHER]
    assert after.horizon == 10_000
    assert before.measures["margin_ratio_linf"] < after.measures["margin_ratio_linf"]


def test_what_it_says_is_what_that_horizon_says(further):
    """The same bits as if the horizon had been as long from the start."""
    row = further.bias_rows[0]
    direct = compare([PROBLEM], [ADAM], horizon=int(row.steps), threads=1, rerun=True)
    assert direct.bias_rows[0].measures == row.measures
    assert direct.bias_rows[0].selected == row.selected


def test_the_convergence_table_keeps_the_horizon(further):
    plain = told(threads=1)
    for one, other in zip(plain.convergence_rows, further.convergence_rows, strict=True):
        assert one.steps_to == other.steps_to and one.final_loss == other.final_loss
        assert one.horizon == other.horizon == 10_000


def test_a_trace_goes_as_far_as_the_run_and_begins_as_it_did(further):
    short, long = told(threads=1).traces[0], further.traces[0]
    assert (short.steps[-1], long.steps[-1]) == (10_000, further.bias_rows[0].steps)
    _, here, there = np.intersect1d(short.steps, long.steps, return_indices=True)
    assert here.size == short.steps.size
    np.testing.assert_array_equal(short.log_gap, long.log_gap[there])
    for name, numbers in further.bias_rows[0].measures.items():
        np.testing.assert_array_equal(short.measures[name], long.measures[name][there])
        assert long.measures[name][-1, 0] == pytest.approx(numbers, rel=1e-12)


def test_how_far_it_goes_does_not_depend_on_threads(further):
    for one, other in zip(
        told(until_verdict=True, threads=2).bias_rows, further.bias_rows, strict=True
    ):
        assert (one.steps, one.selected, one.measures) == (
            other.steps,
            other.selected,
            other.measures,
        )


def test_steps_and_work_are_limited(monkeypatch):
    """However far the verdict is: a budget of steps, and of numbers of the data that are read."""
    registry = load_registry()
    (built,) = build_instances(registry, PROBLEM, 1)
    (cell,) = make_cells(built, [choose_one(registry, GRADIENT_DESCENT)], ())

    def longest(work):
        monkeypatch.setattr(until_verdict, "WORK", work)
        tuner = Tuner(cell, 1, 100, None, 1e-3, lambda *_: False)
        search, sent = tuner.search(), None
        horizons = []
        try:
            while True:
                chunks, horizon = search.send(sent)
                horizons.append(horizon)
                for chunk in chunks:
                    chunk.advance(horizon)
                sent = chunks
        except StopIteration as end:
            return horizons[-1], end.value

    steps, found = longest(1e11)
    assert steps == 10_000 and [chunk.step for chunk in found.further] == [10_000]
    assert [chunk.step for chunk in found.runs[found.best]] == [100]
    assert longest(72.0 * 1_000)[0] == 1_000  # 6 x 12 numbers a step
    assert longest(72.0)[0] == 100


def test_no_run_goes_on_that_has_settled():
    registry = load_registry()
    (built,) = build_instances(registry, PROBLEM, 1)
    (cell,) = make_cells(built, [choose_one(registry, "normalized_gradient_descent")], ())
    row = compare([PROBLEM], ["normalized_gradient_descent"], horizon=10_000, until_verdict=True,
                  threads=1, rerun=True).bias_rows[0]  # fmt: skip
    assert (row.selected, row.steps) == ("l2", 10_000)
    assert settled(cell, [], None)


def test_a_time_limit_cuts_it_as_any_other_run(monkeypatch):
    monkeypatch.setattr(until_verdict, "WORK", 1e300)
    monkeypatch.setattr(until_verdict, "FURTHER", (1e8,))
    result = compare([PROBLEM], [ADAM], horizon=10_000, threads=1, until_verdict=True, rerun=True,
                     timeout=2.0)  # fmt: skip
    assert result.bias_rows[0].status == "timeout"
    assert any(note.startswith("timeout") for note in result.notes)
