"""Products that a kernel takes with the data, in every layout, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from small_instances import csr, data, one_chunk, python, regression, some_zeros

from optbench.contract import Slot, optimizer
from optbench.engine.bind_instance import objective_kind
from optbench.engine.oracles.catalogue import missing_oracle
from optbench.errors import UserError
from optbench.instance import Instance
from optbench.linear_algebra import (
    absolute_times,
    absolute_transposed_times,
    features_times,
    transposed_times,
)
from optbench.losses import cross_entropy
from optbench.parametrizations import parametrization

EPS = np.finfo(float).eps
SHAPES = {
    "dense": [(1, 1), (5, 3), (17, 9), (200, 7), (300, 60), (130, 129), (1000, 33)],
    "wide": [(40, 130), (9, 1000), (130, 1000), (131, 517), (300, 600)],
    "sparse": [(5, 3), (50, 30), (300, 200), (129, 257)],
    "own": [(1, 1), (17, 9), (40, 130)],
}
CASES = [(kind, *shape) for kind, shapes in SHAPES.items() for shape in shapes]


def flat(w, data, targets, grad):
    grad[:] = 0.0
    return 0.0


@optimizer(reference="a test: it writes all products, and moves theta so that steps differ")
def products(
    theta,
    features,
    targets,
    forward=Slot("rows"),
    backward=Slot(),
    sizes_forward=Slot("rows"),
    sizes_backward=Slot(),
):
    features_times(features, theta, forward)
    transposed_times(features, targets, backward)
    absolute_times(features, theta, sizes_forward)
    absolute_transposed_times(features, targets, sizes_backward)
    for j in range(theta.size):
        theta[j] *= 0.5


def build(kind: str, rows: int, columns: int) -> tuple[Instance, np.ndarray]:
    matrix, targets = data(rows, columns), data(rows, 1, seed=3)[:, 0]
    start = data(columns, 1, seed=4)[:, 0]
    if kind == "own":
        own = Instance(
            problem="test",
            features=matrix,
            targets=targets,
            kind="regression",
            loss_and_grad=flat,
            start=start,
        )
        return own, matrix
    if kind == "sparse":
        matrix = some_zeros(matrix)
        return regression(csr(matrix), targets, start=start), matrix
    return regression(matrix, targets, start=start), matrix


@pytest.mark.parametrize(("kind", "rows", "columns"), CASES)
def test_products_are_those_of_numpy(kind: str, rows: int, columns: int) -> None:
    instance, matrix = build(kind, rows, columns)
    assert objective_kind(instance) == kind
    chunk = one_chunk(instance, products, [0.0] * 5)
    chunk.advance(3)
    offsets = chunk.combination.rule.offsets[0][-5:]
    x, y, sizes = 0.25 * instance.start, instance.targets, np.abs(matrix)
    expected = matrix @ x, y @ matrix, sizes @ x, y @ sizes
    bounds = 2 * (sizes @ np.abs(x), np.abs(y) @ sizes)
    for state in chunk.runs.state:
        for k, (numbers, bound) in enumerate(zip(expected, bounds, strict=True)):
            found = state[offsets[k] : offsets[k + 1]]
            # a sum of m products in any order: m eps times the sum of their sizes, on both sides
            terms = max(rows, columns)
            assert np.all(np.abs(found - numbers) <= 2 * terms * EPS * bound)


def test_a_run_has_the_same_bits_in_a_batch() -> None:
    instance, _ = build("dense", 300, 60)
    alone, batch = one_chunk(instance, products, [0.0]), one_chunk(instance, products, [0.0] * 7)
    for chunk in (alone, batch):
        chunk.advance(5)
    assert all(np.array_equal(state, alone.runs.state[0]) for state in batch.runs.state)


def test_records_evaluate_and_steps_count_one() -> None:
    """Nothing but records has the objective evaluated, and that is not the optimizer's cost."""
    instance, _ = build("dense", 17, 9)
    chunk = one_chunk(instance, products, [0.0])
    chunk.advance(10)
    assert not chunk.combination.rule.every_step
    assert chunk.records.evaluations[-1, 0] == 10.0


PLAIN = """
import numpy as np
from test_products import build, products
from small_instances import one_chunk
for kind, rows, columns in [("dense", 20, 3), ("wide", 40, 130), ("sparse", 50, 30), ("own", 5, 4)]:
    instance, matrix = build(kind, rows, columns)
    chunk = one_chunk(instance, products, [0.0])
    chunk.advance(1)
    start = chunk.combination.rule.offsets[0][-5]
    found = chunk.runs.state[0, start : start + rows]
    print(np.allclose(found, matrix @ instance.start, rtol=1e-12))
"""


def test_plain_python_multiplies_too() -> None:
    assert python(PLAIN, NUMBA_DISABLE_JIT="1").split() == ["True"] * 4


def test_a_matrix_stands_for_the_handle() -> None:
    matrix, x, y = data(5, 3), data(3, 1)[:, 0], data(5, 1)[:, 0]
    forward, backward = np.zeros(5), np.zeros(3)
    features_times(matrix, x, forward)
    transposed_times(matrix, y, backward)
    assert np.array_equal(forward, matrix @ x)
    assert np.array_equal(backward, matrix.T @ y)
    absolute_times(matrix, x, forward)
    absolute_transposed_times(matrix, y, backward)
    assert np.array_equal(forward, np.abs(matrix) @ x)
    assert np.array_equal(backward, np.abs(matrix).T @ y)
    with pytest.raises(ValueError, match="size"):
        features_times(matrix, y, forward)


def test_who_has_no_products_says_why() -> None:
    instance, _ = build("dense", 17, 9)
    diagonal = parametrization("diagonal", 9)
    assert "diagonal" in (missing_oracle(instance, diagonal, products) or "")
    several = Instance(
        problem="test",
        features=data(6, 4),
        targets=np.arange(6.0) % 3,
        kind="multiclass",
        row=cross_entropy,
        outputs=3,
    )
    linear = parametrization("linear", 12)
    assert "outputs" in (missing_oracle(several, linear, products) or "")


def test_wrong_sizes_end_the_run() -> None:
    @optimizer(reference="a test: the sizes are exchanged")
    def exchanged(theta, features, targets, backward=Slot()):
        features_times(features, theta, backward)

    chunk = one_chunk(build("dense", 17, 9)[0], exchanged, [0.0])
    chunk.advance(3)
    assert [str(status) for status in chunk.status] == ["failed"]


def test_what_is_read_only_is_not_written() -> None:
    @optimizer(reference="a test: targets are not its own")
    def writes_targets(theta, features, targets):
        features_times(features, theta, targets)

    with pytest.raises(UserError, match=r"features_times\(features, theta, targets\)"):
        one_chunk(build("dense", 17, 9)[0], writes_targets, [0.0])


def test_a_cost_has_a_number_for_each_feature() -> None:
    with pytest.raises(UserError, match=r"cost has shape \(2,\)"):
        regression(data(4, 3), np.ones(4), cost=np.ones(2))
