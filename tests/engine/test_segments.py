"""Threads inside one run: the same bits on any number of threads, and the right numbers."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
from small_instances import bits, data, one_chunk, regression, separable

from optbench.engine.data.segments import MOST_SEGMENTS, count_segments
from optbench.engine.ensemble import data_of
from optbench.engine.stop import StopSignal
from optbench.instance import Instance

ROWS, FEATURES = 2100, 250  # 132 panels of 256 features: 8 segments
RATES = [0.05, 0.01, 0.1, 0.02, 0.03]  # a group of four runs and one that is left over


@pytest.fixture(scope="module")
def large() -> Instance:
    features = data(ROWS, FEATURES)
    noise = np.random.default_rng(3).standard_normal(ROWS)
    targets = np.where(features @ np.ones(FEATURES) + 8.0 * noise > 0.0, 1.0, -1.0)
    alike = separable(ROWS, FEATURES, seed=0)  # of the same features, all labels +1
    return dataclasses.replace(alike, name="large", targets=targets, exponential_tail=False)


def advanced(instance: Instance, threads: int, name: str = "adam", **options):
    chunk = one_chunk(instance, name, RATES, **options)
    chunk.advance(7, steps=np.array([2, 7]), threads=threads)
    return chunk


def test_the_number_of_segments_depends_on_the_data_alone(large) -> None:
    assert count_segments(data_of(large).panels.shape) == 8
    assert count_segments((36, 32, 16)) == 1  # breast cancer
    assert count_segments((10**5, 512, 16)) == MOST_SEGMENTS
    assert count_segments((8, 2**16, 16)) == 1  # one block has nothing to split
    assert count_segments((25, 1000, 4)) == 1  # bands that stay in the cache are one block
    assert count_segments((100, 700, 4)) == 4


@pytest.mark.parametrize("threads", [2, 3, 20])
def test_bits_do_not_depend_on_the_threads(large, threads: int) -> None:
    alone, shared = advanced(large, 1), advanced(large, threads)
    for run in range(len(RATES)):
        assert bits(alone, run) == bits(shared, run)


def test_bits_do_not_depend_on_the_runs_beside(large) -> None:
    together = advanced(large, 2)
    single = one_chunk(large, "adam", RATES[-1:])
    single.advance(7, steps=np.array([2, 7]))
    assert bits(single) == bits(together, len(RATES) - 1)


def test_a_network_and_ended_runs_share_threads_too(large) -> None:
    def rates(threads: int):
        chunk = one_chunk(large, "gradient_descent", [0.1, 1e9], parameters="deep_linear:widths=4")
        chunk.advance(40, threads=threads)
        return chunk

    alone, shared = rates(1), rates(2)
    assert alone.status == shared.status == ["horizon", "diverged"]
    assert bits(alone, 0) == bits(shared, 0)


def test_loss_margin_and_gradient_are_those_of_numpy(large) -> None:
    chunk = advanced(large, 2)
    for run, w in enumerate(chunk.runs.w):
        margins = (large.features @ w) * large.targets
        slopes = -large.targets / (1.0 + np.exp(margins)) / ROWS
        # A sum of n terms rounds by n units of their absolute values.
        assert chunk.runs.loss[run] == pytest.approx(
            np.mean(np.logaddexp(0.0, -margins)), rel=ROWS * 2**-52
        )
        gradient = large.features.T @ slopes
        size = np.abs(large.features).T @ np.abs(slopes)
        assert np.all(np.abs(chunk.runs.gradient[run] - gradient) <= ROWS * 2**-52 * size)
        assert chunk.runs.lowest[run] == pytest.approx(margins.min(), rel=1e-12)


def test_squared_errors_of_wide_data() -> None:
    features = data(400, 700, seed=5)
    instance = regression(features, data(400, 1, seed=6)[:, 0])
    chunks = {}
    for threads in (1, 2, 3):
        chunk = one_chunk(instance, "gradient_descent", RATES)
        chunk.advance(3, threads=threads)
        chunks[threads] = chunk
    for run, rate in enumerate(RATES):
        assert bits(chunks[1], run) == bits(chunks[2], run) == bits(chunks[3], run)
        w = np.zeros(700)
        for _ in range(3):
            w -= rate * features.T @ (features @ w - instance.targets) / 400
        np.testing.assert_allclose(chunk.runs.w[run], w, rtol=0, atol=1e-12 * np.abs(w).max())


@pytest.mark.parametrize("name", ["normalized_gradient_descent", "sign_descent"])
def test_units_change_alike_on_any_number_of_threads(name: str) -> None:
    features = np.abs(data(1100, 250, seed=8)) + 1.0  # a step of rate 1 gains a margin of 28
    instance = dataclasses.replace(separable(1100, 250), name="tail", features=features)
    found = []
    for threads in (1, 2):
        chunk = one_chunk(instance, name, [8.0, 4.0, 9.0])  # three: a fourth fills up
        chunk.advance(12, threads=threads)
        found.append([bits(chunk, run) for run in range(3)])
        assert chunk.runs.exponents.min() > 0
    assert found[0] == found[1]


def raises_on_seven(prediction, target):
    if target == 7.0:
        raise ValueError("a target of seven")
    residual = prediction - target
    return 0.5 * residual * residual, residual


@pytest.mark.parametrize("place", [0, -1])  # in the loop's own segment, in that of the other
def test_an_error_in_any_thread_ends_the_run(place: int) -> None:
    targets = np.ones(1100)
    targets[place] = 7.0
    instance = dataclasses.replace(
        regression(data(1100, 250), targets), name=f"seven{place}", row=raises_on_seven
    )
    for threads in (1, 2):
        chunk = one_chunk(instance, "gradient_descent", [0.1])
        before = threading.active_count()
        with pytest.raises(ValueError, match="seven"):
            chunk.advance(50, threads=threads)
        assert threading.active_count() == before


def test_threads_end_with_the_steps_even_when_stopped(large) -> None:
    before = threading.active_count()
    chunk = one_chunk(large, "gradient_descent", [0.1])
    stop = StopSignal()
    stop.set()
    chunk.advance(1000, stop=stop, threads=2)
    assert chunk.step < 1000
    assert threading.active_count() == before
