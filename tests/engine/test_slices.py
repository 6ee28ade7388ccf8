"""Sparse data in slices: both products against SciPy's, and what is filled up changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from small_instances import data, one_chunk, regression

from optbench.engine.chunk import Chunk
from optbench.engine.slices import dense_columns, split


def random_matrix(n: int, d: int, density: float, seed: int = 0) -> sparse.csr_array:
    generator = np.random.default_rng(seed)
    kept = generator.random((n, d)) < density
    return sparse.csr_array(np.where(kept, generator.random((n, d)), 0.0))


def long_row() -> sparse.csr_array:
    """One row with an entry in every column, others with one or none."""
    matrix = random_matrix(150, 400, 0.002, 1).tolil()
    matrix[77] = data(1, 400, 2)[0]
    return sparse.csr_array(matrix)


def one_hot(n: int, values: int, attributes: int) -> sparse.csr_array:
    """The first value of each attribute is the usual one: columns from dense to empty."""
    drawn = np.random.default_rng(3).geometric(0.5, (n, attributes)) - 1
    columns = np.minimum(drawn, values - 1) + values * np.arange(attributes)
    entries = np.ones(columns.size), columns.ravel(), attributes * np.arange(n + 1)
    return sparse.csr_array(entries, shape=(n, values * attributes))


def shuffled_twice() -> sparse.csr_array:
    """Entries of a row in no order, and each of them as two."""
    matrix = random_matrix(100, 30, 0.15, 4)
    generator = np.random.default_rng(5)
    values, columns = [], []
    for begin, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        order = generator.permutation(np.repeat(np.arange(begin, end), 2))
        values.append(matrix.data[order] * generator.random(order.size))
        columns.append(matrix.indices[order])
    entries = np.concatenate(values), np.concatenate(columns), 2 * matrix.indptr
    return sparse.csr_array(entries, shape=matrix.shape)


MATRICES = {
    "one number": sparse.csr_array(np.array([[2.5]])),
    "nothing": sparse.csr_array((5, 3)),
    "one row": random_matrix(1, 50, 0.3),
    "one column": random_matrix(300, 1, 0.1),
    "one full column": sparse.csr_array(data(300, 1, 8)),
    "wide": random_matrix(20, 1000, 0.01),
    "tall": random_matrix(1037, 17, 0.05),
    "all dense": sparse.csr_array(data(260, 11, 9)),
    "long row": long_row(),
    "one-hot": one_hot(523, 5, 7),
    "shuffled twice": shuffled_twice(),
}


@pytest.fixture(params=MATRICES)
def matrix(request: pytest.FixtureRequest) -> sparse.csr_array:
    return MATRICES[request.param]


def evaluated(features: sparse.csr_array, w: np.ndarray) -> Chunk:
    targets = data(features.shape[0], 1, 6)[:, 0]
    chunk = one_chunk(regression(features, targets), "gradient_descent", [0.1] * len(w))
    chunk.runs.theta[:] = w
    chunk.advance(0)
    return chunk


@pytest.mark.parametrize("count", [1, 8, 11])
def test_products_equal_those_of_scipy(matrix: sparse.csr_array, count: int) -> None:
    n, d = matrix.shape
    w = data(count, d, 7)
    runs = evaluated(matrix, w).runs
    targets = data(n, 1, 6)[:, 0]
    residuals = (matrix @ w.T).T - targets
    loss, gradient = 0.5 * (residuals**2).sum(axis=1) / n, (matrix.T @ residuals.T).T / n
    # Sums of m terms err by less than m 2^-53 times the sum of sizes; a prediction's error enters
    # every term of the gradient.
    sizes = (abs(matrix) @ np.abs(w).T).T + np.abs(targets)
    bound = (n + d) * 2.0**-52
    assert np.all(np.abs(runs.loss - loss) <= bound * (sizes**2).sum(axis=1) / n)
    assert np.all(np.abs(runs.gradient - gradient) <= bound * (abs(matrix).T @ sizes.T).T / n)
    lowest = ((residuals + targets) * targets).min(axis=1)
    assert np.all(np.abs(runs.lowest - lowest) <= bound * (sizes * np.abs(targets)).max(axis=1))


def test_bits_do_not_depend_on_the_batch(matrix: sparse.csr_array) -> None:
    w = data(9, matrix.shape[1], 7)
    batch = evaluated(matrix, w).runs
    for row in range(9):
        alone = evaluated(matrix, w[row : row + 1]).runs
        assert alone.loss[0] == batch.loss[row]
        assert alone.lowest[0] == batch.lowest[row]
        assert alone.gradient[0].tobytes() == batch.gradient[row].tobytes()


def test_every_entry_is_there_once(matrix: sparse.csr_array) -> None:
    n, d = matrix.shape
    rows, columns, panels, by_row, by_column = split(matrix)
    assert sorted(rows) == list(range(n))
    assert sorted(columns) == list(range(d))
    dense = min(panels.shape[1], d)
    rest = matrix.toarray()[np.ix_(rows, columns[dense:])]
    if dense > 0:
        kept = panels.transpose(0, 2, 1).reshape(-1, panels.shape[1])
        numbers = matrix.toarray()[np.ix_(rows, columns[:dense])]
        np.testing.assert_allclose(kept[:n, :dense], numbers, rtol=1e-15)
    padded = 8 * (by_row.starts.size - 1)
    for slices, dummy, names, expected in (
        (by_row, d, columns[dense:], rest),
        (by_column, padded, np.arange(n), rest.T),
    ):
        found = np.zeros((8 * (slices.starts.size - 1), dummy + 1))
        for k in range(slices.starts.size - 1):
            entries = slice(slices.starts[k], slices.starts[k + 1])
            lane = 8 * k + np.arange(slices.starts[k + 1] - slices.starts[k]) % 8
            np.add.at(found, (lane, slices.indices[entries]), slices.values[entries])
        assert not found[:, dummy].any()
        np.testing.assert_allclose(found[: len(expected), names], expected, rtol=1e-15)
        assert np.count_nonzero(found) == np.count_nonzero(expected)
        # sorted by length, each slice is filled up by no more than the next one is shorter
        longest = np.diff(slices.starts).max(initial=0)
        assert slices.values.size <= matrix.nnz + longest


def test_full_columns_are_kept_dense_and_rare_ones_are_not() -> None:
    assert dense_columns(np.full(10, 1000), 1000) == 10
    assert dense_columns(np.full(10, 100), 1000) == 0
    assert dense_columns(np.repeat([900, 10], [3, 90]), 1000) == 8  # in whole slices


@pytest.mark.parametrize("count", [1, 8])
def test_infinite_weight_reaches_only_rows_that_have_it(count: int) -> None:
    """A sparse column whose weight is infinite leaves other rows and columns finite."""
    features = sparse.csr_array(np.eye(40, 30) + np.eye(40, 30, k=2))
    w = np.ones((count, 30))
    w[:, 0] = np.inf  # only row 0 has an entry in column 0; it has another in column 2
    gradient = evaluated(features, w).runs.gradient
    assert np.all(np.isinf(gradient[:, [0, 2]]))
    assert np.all(np.isfinite(np.delete(gradient, [0, 2], axis=1)))
