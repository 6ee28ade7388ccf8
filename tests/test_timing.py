"""Time of a step: against a stop watch, and on machines of which every disturbance is known."""

from __future__ import annotations

import math
import multiprocessing
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from small_instances import one_chunk

from benchmarks.times import BASELINE, MACHINES, OWN, Machine, covered, errors, measured
from optbench.choices import choose_one
from optbench.registry import load_registry
from optbench.study import build_instances, make_cells
from optbench.timing import standing_still, step_time, stopwatch

SMALL = "linear_regression:data=gaussian,n=5,d=12,seed=3"
LARGE = "linear_regression:data=gaussian,n=2000,d=50"


def cell(text: str, optimizer: str = "gradient_descent"):
    registry = load_registry()
    (built,) = build_instances(registry, text, 1)
    (made,) = make_cells(built, [choose_one(registry, optimizer)], ())
    return made


def nanoseconds(made, rate=0.01):
    return step_time(stopwatch(made, rate)).nanoseconds


def against_baseline(made, rate=1e-3):
    return step_time(stopwatch(made, rate), standing_still(made, load_registry().baseline))


def test_it_is_what_a_stop_watch_says():
    """Within a factor 3, of processor time: other processes may share caches and clock."""
    made = cell(SMALL)
    told = nanoseconds(made)
    steps, times = 100_000, []
    for _ in range(5):
        chunk = one_chunk(made.instance, "gradient_descent", [0.01])
        chunk.advance(0)
        began = time.thread_time()
        chunk.advance(steps, steps=[steps])
        times.append((time.thread_time() - began) / steps * 1e9)
    assert min(times) / 3.0 < told < min(times) * 3.0


def test_more_data_takes_longer():
    """2000 x 50 has 1,667 times the multiplications of 5 x 12."""
    assert nanoseconds(cell(LARGE)) > 50.0 * nanoseconds(cell(SMALL))


def test_a_run_that_diverges_has_no_time():
    made = cell(SMALL)
    assert math.isnan(nanoseconds(made, 1e6))
    assert math.isnan(against_baseline(made, 1e6).ratio)


def test_a_step_of_one_row_is_not_charged_with_the_whole_objective():
    """2000 rows against one; the loss over all rows at the end of the call is no step's."""
    sampled = nanoseconds(cell(LARGE, "stochastic_gradient_descent"), 1e-3)
    assert nanoseconds(cell(LARGE), 1e-3) > 20.0 * sampled


def test_a_stopwatch_starts_from_the_same_state_each_time():
    """And leaves the run where it is."""
    chunk = one_chunk(cell(SMALL).instance, "adam", [0.01, 0.9, 0.999, 1e-8, 0.0, 1.0])
    chunk.advance(0)
    before = chunk.runs.theta.copy()
    watch = chunk.stopwatch()
    assert all(watch(n) > 0.0 for n in (1, 1000, 1))
    assert chunk.step == 0 and np.array_equal(chunk.runs.theta, before)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda each: each.__name__)
def test_the_ratio_is_right_whatever_the_machine_does(machine):
    """Within 5 % in 95 of 100 cases, and its interval covers in at least 95 of 100.

    Where rounds are alike that is 99.6 %.  Below 95 % the test fails for sure, at 95 % once in a
    thousand times.
    """
    found = measured(machine, 300)
    wrong = errors(found, OWN / BASELINE)
    assert wrong.size > 290 and np.quantile(wrong, 0.95) < 0.05
    share = binomtest(covered(found, OWN / BASELINE), 300, 0.95, alternative="less")
    assert share.pvalue > 1e-3


def test_minutes_apart_the_same_times_said_10_and_076():
    """What was measured: each alone, on a machine that meanwhile became three times slower."""
    late = Machine(0, lambda t: 3.0)
    early = Machine(0)
    alone = [step_time(m.runs(ns)).nanoseconds for m, ns in ((late, 34.0), (early, 10.0))]
    assert alone[0] / alone[1] == pytest.approx(10.2, rel=0.05)
    alone = [step_time(m.runs(ns)).nanoseconds for m, ns in ((early, 23.0), (late, 10.0))]
    assert alone[0] / alone[1] == pytest.approx(0.77, rel=0.05)


def test_time_per_step_is_that_of_the_quietest_burst():
    """Noise only adds: the least of 18 is above the truth by a third of a per cent or so."""
    for share in (0.0, 1.0 / 3.0):
        told = [step_time(Machine(seed, share=share).runs(34.0)).nanoseconds for seed in range(50)]
        assert np.median(told) == pytest.approx(34.0, rel=0.01)


def test_the_baseline_stands_still_where_it_could_not_run():
    """In the positive orthant with the linear parametrization; a step does the same work."""
    made = cell("linear_program:data=transport,m=3", "exponentiated_gradient")
    assert made.parametrization.linear
    told = against_baseline(made)
    assert told.interval[0] <= told.ratio <= told.interval[1]
    registry = load_registry()
    needs = replace(registry.optimizer("natural_gradient"), baseline=True)
    assert standing_still(made, needs) is None  # no Fisher matrix here


@pytest.mark.parametrize("optimizer", ["heavy_ball", "adam", "sign_descent"])
def test_the_same_oracle_and_more_work_is_not_cheaper(optimizer):
    """Where memory lies makes a difference of some per cent of a step of 60 ns."""
    told = against_baseline(cell(SMALL, optimizer))
    assert told.ratio > 0.9 and told.interval[1] > 0.95


def _busy(stop):
    while not stop.is_set():
        sum(i * i for i in range(10_000))


@pytest.mark.slow
def test_load_on_other_cores_does_not_change_the_ratio():
    """The median of six ratios to 10 %, which is three times what repeats differ by."""
    made = cell(SMALL, "adam")
    calm = np.median([against_baseline(made).ratio for _ in range(6)])
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    others = [context.Process(target=_busy, args=(stop,)) for _ in range(2)]
    for each in others:
        each.start()
    try:
        time.sleep(1.0)
        loaded = np.median([against_baseline(made).ratio for _ in range(6)])
    finally:
        stop.set()
        for each in others:
            each.join()
    assert loaded == pytest.approx(calm, rel=0.1)
