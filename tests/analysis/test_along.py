"""What is measured along the runs: the numbers of the bias table at every record, and more."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import optbench
from optbench.analysis.along import ReferenceMeter
from optbench.analysis.kinds import measured
from optbench.engine import meters
from optbench.registry import load_registry
from optbench.solutions import solved
from optbench.study import build_instances

GAUSSIAN = "logistic_regression:data=gaussian,n=6,d=12,seed=11"
SQUARES = "linear_regression:data=gaussian,n=5,d=9"
PROBLEMS = (
    GAUSSIAN, SQUARES, "linear_program:data=random", "matrix_completion", "matrix_regression",
    "softmax_regression:data=iris", "logistic_regression:data=breast_cancer",
)  # fmt: skip


def build(text):
    return build_instances(load_registry(), text, 1)[0][0]


@pytest.fixture(scope="module")
def searched():
    return optbench.compare(
        PROBLEMS, ["gradient_descent", "sign_descent"], horizon=1_000, seeds=2, threads=1,
        rerun=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def given():
    """Rates below, at most and above 2 / L."""
    critical = 2.0 / build(SQUARES).curvature
    rates = [0.1 * critical, 0.5 * critical, 1.5 * critical]
    return rates, optbench.compare(
        [SQUARES], ["gradient_descent"], learning_rates=rates, horizon=2_000, seeds=2, rerun=True
    )


def last(column):
    return column[~np.isnan(column)][-1]


def test_the_last_record_is_what_the_bias_table_says(searched):
    rows = {(r.instance_id, r.parametrization, r.optimizer): r for r in searched.bias_rows}
    assert {trace.problem for trace in searched.traces} == {p.partition(":")[0] for p in PROBLEMS}
    for trace in searched.traces:
        row = rows[trace.instance_id, trace.parametrization, trace.optimizer]
        assert trace.won and trace.measures["norm_l2"].shape == (trace.steps.size, 2)
        for name, number in row.measures.items():
            middle = np.median([last(column) for column in trace.measures[name].T])
            assert middle == pytest.approx(number, rel=1e-14), (row.optimizer, name)


def test_no_bit_depends_on_threads_or_on_which_runs_share_a_batch(searched, monkeypatch):
    monkeypatch.setattr(meters, "ROOM", 100)  # one record at a time
    other = optbench.compare(
        PROBLEMS, ["gradient_descent"], horizon=1_000, seeds=2, threads=2, rerun=True
    )
    traces = {(t.instance_id, t.parametrization, t.optimizer): t for t in searched.traces}
    for trace in other.traces:
        before = traces[trace.instance_id, trace.parametrization, trace.optimizer]
        assert trace.measures.keys() == before.measures.keys()
        for name, numbers in trace.measures.items():
            np.testing.assert_array_equal(numbers, before.measures[name], err_msg=name)


def test_a_stored_cell_brings_its_traces_back(searched):
    again = optbench.compare(PROBLEMS, ["sign_descent"], horizon=1_000, seeds=2)
    assert again.environment["cells_from_store"] == len(again.bias_rows)
    traces = {(t.instance_id, t.parametrization, t.optimizer): t for t in searched.traces}
    for trace in again.traces:
        before = traces[trace.instance_id, trace.parametrization, trace.optimizer]
        np.testing.assert_array_equal(trace.w, before.w)
        np.testing.assert_array_equal(trace.evaluations, before.evaluations)
        assert (trace.learning_rate, trace.won) == (before.learning_rate, True)
        for name, numbers in trace.measures.items():
            np.testing.assert_array_equal(numbers, before.measures[name])


def test_gradient_descent_on_squares_goes_as_its_eigenvalues_say(given):
    """From 0, w_t = (I - (I - rate H)^t) w* with the least-norm solution w* and H = X^T X / n."""
    rates, result = given
    for trace, seed in itertools.product(result.traces, range(2)):
        if trace.learning_rate == rates[2]:
            continue
        instance = build(f"{SQUARES},seed={seed}")
        features, goal = instance.features, solved(instance)["l2"]
        least = np.linalg.lstsq(features, instance.targets)[0]
        values, vectors = np.linalg.eigh(features.T @ features / len(features))
        powers = (1.0 - trace.learning_rate * values) ** trace.steps[:, None]
        path = ((1.0 - powers) * (vectors.T @ least)) @ vectors.T
        size = np.linalg.norm(path, axis=1)
        # steps round by an ulp of w each, which contraction adds up to some of them
        expected = {
            "norm_l1": np.abs(path).sum(axis=1),
            "norm_l2": size,
            "norm_linf": np.abs(path).max(axis=1),
            "norm_excess_l2": size / np.linalg.norm(least) - 1.0,
            "component_l2": path @ least / np.linalg.norm(least),
            "distance_l2": np.linalg.norm(path - least, axis=1) / np.linalg.norm(least),
            "residual": np.linalg.norm(path @ features.T - instance.targets, axis=1)
            / np.linalg.norm(instance.targets),
        }
        assert goal.certified
        told = ~np.isnan(trace.loss[:, seed])
        assert told.sum() > 10 and told[0]
        for name, numbers in expected.items():
            np.testing.assert_allclose(
                trace.measures[name][told, seed], numbers[told], rtol=1e-9, atol=1e-9, err_msg=name
            )


def test_every_rate_that_was_given_has_a_trace_of_every_seed(given):
    rates, result = given
    assert [trace.learning_rate for trace in result.traces] == rates
    assert [trace.won for trace in result.traces] == [False, True, False]
    assert result.convergence_rows[0].best_learning_rate == rates[1]
    assert [trace.w is None for trace in result.traces] == [True, False, True]
    for trace in result.traces:
        shape = (trace.steps.size, 2)
        assert {each.shape for each in trace.measures.values()} == {shape}
        assert trace.evaluations.shape == trace.loss.shape == shape
    np.testing.assert_array_equal(
        np.linalg.norm(result.traces[1].w, axis=1),
        [last(column) for column in result.traces[1].measures["norm_l2"].T],
    )


def test_after_the_end_of_a_run_that_diverged_there_is_nothing(given):
    rates, result = given
    trace, row = result.traces[2], result.convergence_rows[0].learning_rates[2]
    assert row.status == "diverged" and row.learning_rate == rates[2]
    ended = np.isnan(trace.loss)
    assert not ended[0].any() and ended[-1].all()
    for name, numbers in trace.measures.items():
        np.testing.assert_array_equal(np.isnan(numbers), ended, err_msg=name)


def test_a_run_that_was_cut_short_has_nothing_after_that():
    result = optbench.compare(
        [SQUARES], ["gradient_descent[learning_rate=1e-6]"], horizon=10**9, timeout=0.5, rerun=True
    )
    (trace,) = result.traces
    told = ~np.isnan(trace.measures["distance_l2"])
    assert told[0, 0] and not told[-1, 0]
    np.testing.assert_array_equal(told, ~np.isnan(trace.loss))


def test_margins_along_a_run_are_those_of_its_predictors():
    """And a direction is unknown where w is 0."""
    result = optbench.compare(
        [GAUSSIAN], ["gradient_descent[learning_rate=0.1]"], horizon=200, rerun=True
    )
    run = optbench.run(GAUSSIAN, "gradient_descent", learning_rate=0.1, horizon=200)
    instance, (trace,) = run.spec.instance, result.traces
    steps, w = run.snapshots
    assert trace.learning_rate is None and trace.steps.tolist() == steps.tolist()
    margins = (instance.targets * (w[1:] @ instance.features.T)).min(axis=1)
    for name, p in (("l1", 1.0), ("l2", 2.0), ("linf", np.inf)):
        expected = margins / np.linalg.norm(w[1:], p, axis=1) / solved(instance)[name].value
        ratios = trace.measures[f"margin_ratio_{name}"][:, 0]
        assert np.isnan(ratios[0]) and np.isnan(trace.measures[f"angle_{name}"][0, 0])
        np.testing.assert_allclose(ratios[1:], expected, rtol=1e-12)
    assert trace.measures["norm_l2"][0, 0] == 0.0


@pytest.mark.parametrize("text", PROBLEMS)
def test_many_predictors_are_measured_as_one_is(text):
    """The same bits, whichever others are there: some of them 0, infinite, or no numbers."""
    instance = build(text)
    rows = np.random.default_rng(3).standard_normal((5, instance.dimension))
    rows = np.abs(rows) if instance.positive else rows
    rows[1], rows[2, 0], rows[3, 0] = 0.0, np.inf, np.nan
    meter = ReferenceMeter(instance, solved(instance))
    found = dict(zip(meter.names, meter(rows), strict=True))
    for place in (0, 4):
        alone = measured(instance, solved(instance), rows[place])
        assert alone == {name: found[name][place] for name in alone}
