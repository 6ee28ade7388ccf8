"""Runs of several optimizers side by side have the bits that they have alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_instances import bits, csr, data, one_chunk, regression, separable, some_zeros

from optbench.engine.chunk import Chunk
from optbench.engine.stop import StopSignal
from optbench.engine.together import advance_together, batch_key, join, part

MATRIX = data(20, 8)
TARGETS = data(20, 1, 1)[:, 0]
REGRESSION = regression(
    MATRIX,
    TARGETS,
    optimal_value=lambda: 0.0,
    inverse_fisher=lambda: np.linalg.inv(MATRIX.T @ MATRIX / 20),
)
SPARSE = regression(csr(some_zeros(MATRIX)), TARGETS)
SEPARABLE = separable()
# slots of several sizes and units, a loss at every step, the optimal loss, a natural gradient,
# matrices, layers, hyperparameters of several numbers
UNLIKE = [
    "adam",
    "gradient_descent",
    "normalized_mirror_descent",
    "natural_gradient",
    "heavy_ball",
    "automatic_gradient_descent",
    "full_matrix_adagrad",
    "polyak_step",
    "normalized_gradient_descent",
    "sign_descent",
]


def some(instance, names, parameters="linear", rate=0.02) -> list[Chunk]:
    return [
        one_chunk(instance, name, [rate * (1 + place)], parameters=parameters)
        for place, name in enumerate(names)
    ]


def assert_same(chunk: Chunk, other: Chunk) -> None:
    assert bits(chunk) == bits(other)
    assert chunk.status == other.status
    assert chunk.combination is other.combination
    np.testing.assert_array_equal(chunk.stopped, other.stopped)
    for name in ("log_loss", "log_gradient_norm", "lowest", "norms", "snapshots"):
        np.testing.assert_array_equal(
            getattr(chunk.records, name), getattr(other.records, name), err_msg=name
        )


def assert_same_alone(chunks: list[Chunk], horizon: int) -> None:
    """Advance together, then each alone."""
    advanced = advance_together(chunks, horizon, StopSignal())
    for chunk, joined in zip(chunks, advanced, strict=True):
        chunk.advance(horizon)
        assert_same(joined, chunk)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 10])
def test_unlike_optimizers_on_dense_data(count: int) -> None:
    assert_same_alone(some(REGRESSION, UNLIKE[:count]), 300)


def test_eight_and_one_on_sparse_data() -> None:
    names = [name for name in UNLIKE if name not in ("natural_gradient", "polyak_step")]
    assert_same_alone(some(SPARSE, [*names, "nesterov"]), 300)


def test_units_move_run_by_run() -> None:
    """Of four that share a product some are past float64's range: they are evaluated apart."""
    names = ["normalized_gradient_descent", "gradient_descent", "sign_descent", "heavy_ball"]
    chunks = some(SEPARABLE, names, rate=1.0)
    assert_same_alone(chunks, 3_000)
    units = [int(chunk.runs.exponents[0]) for chunk in chunks]
    assert min(units) == 0 < max(units)


@pytest.mark.parametrize("parameters", ["diagonal:depth=3,scale=0.3", "deep_linear:widths=5x3"])
def test_other_parametrizations(parameters: str) -> None:
    names = ["adam", "gradient_descent", "natural_gradient", "normalized_mirror_descent"]
    assert_same_alone(some(REGRESSION, names, parameters), 200)


def test_runs_that_have_ended_or_end_on_the_way() -> None:
    chunks = some(REGRESSION, ["gradient_descent", "adam", "heavy_ball"])
    chunks.append(one_chunk(REGRESSION, "gradient_descent", [1e8]))
    chunks.append(one_chunk(REGRESSION, "nesterov", [0.8]))
    for chunk in chunks[:4]:
        chunk.advance(50)
    chunks[4].advance(50, steps=np.arange(2))
    assert [chunk.status[0] for chunk in chunks[3:]] == ["diverged", "horizon"]
    companions = [chunk for chunk in chunks if batch_key(chunk) == batch_key(chunks[0])]
    assert_same_alone(companions, 2_000)


@pytest.mark.parametrize("optimizer", ["adam", "stochastic_gradient_descent"])
def test_runs_of_one_optimizer(optimizer: str) -> None:
    """Several runs each, some of which have ended before."""
    chunks = [one_chunk(REGRESSION, optimizer, rates) for rates in ([1e-3, 1e8], [1e-2, 3e-2, 1e8])]
    for chunk in chunks:
        chunk.advance(50, steps=np.arange(51))
    whole = join(chunks)
    assert whole.combination.rule.updates.size == 1
    whole.advance(400)
    for chunk, joined in zip(chunks, part(whole, chunks), strict=True):
        chunk.advance(400)
        for row in range(len(chunk.status)):
            assert bits(chunk, row) == bits(joined, row)
        assert chunk.status == joined.status
        np.testing.assert_array_equal(chunk.records.log_loss, joined.records.log_loss)


def test_parts_go_on_alone() -> None:
    chunks = some(REGRESSION, ["adam", "gradient_descent", "heavy_ball"])
    for chunk, joined in zip(
        chunks, advance_together(chunks, 100, StopSignal(), threads=2), strict=True
    ):
        assert joined.step == 100
        joined.advance(400)
        chunk.advance(100)
        chunk.advance(400)
        assert_same(joined, chunk)


def test_who_keeps_company() -> None:
    adam, descent = some(REGRESSION, ["adam", "gradient_descent"])
    assert batch_key(adam) == batch_key(descent)
    other = dataclasses.replace(REGRESSION, name="other")
    strangers = [
        one_chunk(other, "adam", [0.1]),
        one_chunk(REGRESSION, "adam", [0.1], parameters="diagonal"),
        one_chunk(REGRESSION, "stochastic_gradient_descent", [0.1]),
    ]
    advanced = one_chunk(REGRESSION, "adam", [0.1])
    advanced.advance(10)
    recorded = one_chunk(REGRESSION, "adam", [0.1])
    recorded.advance(0, steps=np.array([5]))
    everyone = [adam, advanced, recorded, *strangers]
    assert len({batch_key(chunk) for chunk in everyone}) == len(everyone)


def test_a_stop_is_the_status_of_all() -> None:
    stop = StopSignal()
    stop.set("timeout")
    chunks = some(REGRESSION, ["adam", "gradient_descent"])
    for joined in advance_together(chunks, 10**9, stop):
        assert joined.status == ["timeout"]
