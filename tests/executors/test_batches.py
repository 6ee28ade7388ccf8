"""How runs are cut into batches, and that nothing depends on it."""

from __future__ import annotations

import numpy as np
import pytest
from small_instances import bits, csr, data, one_chunk, regression, some_zeros

from optbench.engine.records import Records
from optbench.engine.stop import StopSignal
from optbench.executors.batches import plan_batches

SMALL = regression(data(20, 8), data(20, 1, 1)[:, 0])
LARGE = regression(data(40, 30, 2), data(40, 1, 3)[:, 0])
SPARSE = regression(csr(some_zeros(data(30, 9, 4))), data(30, 1, 5)[:, 0])
NAMES = ["gradient_descent", "adam", "heavy_ball", "nesterov", "sign_descent", "adagrad"]


def some(instance, count, runs=1):
    return [
        one_chunk(instance, NAMES[k % len(NAMES)], list(np.geomspace(1e-3, 1e-1, runs)))
        for k in range(count)
    ]


def sizes(chunks, threads):
    batches = plan_batches(chunks, 100, threads)
    places = sorted(place for batch in batches for place in batch.places)
    assert places == list(range(len(chunks)))
    return sorted((sum(len(c.status) for c in batch.chunks) for batch in batches), reverse=True)


@pytest.mark.parametrize(
    ("count", "threads", "expected"),
    [
        (13, 1, [13]),
        (13, 2, [8, 5]),  # whole groups of four that share a product
        (13, 4, [4, 4, 4, 1]),
        (13, 8, [2, 2, 2, 2, 2, 2, 1]),  # every thread has one
        (3, 4, [1, 1, 1]),
        (70, 1, [64, 6]),
        (1, 2, [1]),
    ],
)
def test_batches_keep_threads_busy(count, threads, expected):
    assert sizes(some(SMALL, count), threads) == expected


def test_sparse_runs_share_eight_at_a_time():
    assert sizes(some(SPARSE, 13), 2) == [8, 5]
    assert sizes(some(SPARSE, 20), 2) == [16, 4]


def test_chunks_are_not_cut():
    assert sizes(some(SMALL, 13, runs=13), 2) == [52, 52, 52, 13]
    assert sizes(some(SMALL, 2, runs=32), 2) == [32, 32]


def test_the_most_work_comes_first_and_data_is_not_mixed():
    chunks = some(SMALL, 3) + some(LARGE, 3)
    assert [batch.places for batch in plan_batches(chunks, 100, 1)] == [[3, 4, 5], [0, 1, 2]]


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_the_bits_do_not_depend_on_threads(threads):
    chunks = some(SMALL, 7) + some(LARGE, 3, runs=2) + some(SPARSE, 9)
    for batch in plan_batches(chunks, 200, threads):
        for place, other in zip(batch.places, batch.advance(StopSignal(), threads), strict=True):
            chunks[place].advance(200)
            for row in range(len(other.status)):
                assert bits(chunks[place], row) == bits(other, row)


def test_a_batch_that_begins_after_ctrl_c_takes_one_step():
    chunks = some(SMALL, 2) + some(LARGE, 1)
    for chunk in chunks:
        chunk.advance(10)
    stop = StopSignal()
    stop.set()
    for batch in plan_batches(chunks, 10**9, 2):
        for chunk in batch.advance(stop, 1):
            assert (chunk.status, chunk.step) == (["interrupted"], 11)


def keeping(last_decades_of):
    """Return a run of which the predictors of the last decades before that step are kept."""
    made = one_chunk(SMALL, "gradient_descent", [1e-3])
    steps, dimension = made.records.steps, SMALL.dimension
    made.records = Records.blank(steps, 1, dimension, last_decades_of)
    return made


def test_runs_of_other_lengths_keep_their_own_predictors():
    """One that runs five times as far kept the half decades of the others, not a tenth of its own.

    Then nothing told whether it had settled.
    """
    short, long = 1_000, 5_000
    made = [keeping(short), keeping(long)]
    for batch in plan_batches(made, short, 1):
        for place, chunk in zip(batch.places, batch.advance(StopSignal(), 1), strict=True):
            made[place] = chunk
    made[1].advance(long)
    for chunk, last in zip(made, (short, long), strict=True):
        kept = chunk.records.steps[chunk.records.place >= 0]
        assert np.min(np.abs(np.log10(kept / (0.1 * last)))) < 0.05  # half of a tenth of a decade
