"""Largest margins of several classes in Schatten norms, for chosen pairs of rows and classes.

No Schatten norm grows when W is projected to column sums 0 and to the span of the rows of the data,
and no margin changes.  So W = B V Q^T with orthonormal B (k, k - 1) and Q (d, r), and V has the
singular values of W.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from optbench.references.arrays import Array, Pair
from optbench.references.certificate import dual_exponent
from optbench.references.class_pairs import ClassPairs, Indices
from optbench.references.norm_cone import solve_quadratic

_TOLERANCES = (1e-10, 1e-12)
_RANK = 1e-12  # of the largest singular value of the data: what is below is 0
_FLOOR = 1e-9  # of the largest singular value of W, or of the slope, in the metric
_METRICS = 60


class SchattenSolver:
    """Solvers in the coordinates V.

    Parameters
    ----------
    pairs : ClassPairs
    """

    def __init__(self, pairs: ClassPairs) -> None:
        left, values, right = np.linalg.svd(pairs.features, full_matrices=False)
        kept = values > _RANK * values[0]
        self._pairs = pairs
        self._features = left[:, kept] * values[kept]
        self._span = right[kept]
        centred = np.eye(pairs.classes)[:, :-1] - 1.0 / pairs.classes
        self._scores = np.linalg.qr(centred)[0]

    def __call__(self, chosen: Indices, p: float) -> Iterator[Pair]:
        """Yield W (k d,) and weights of the chosen pairs, better ones later."""
        if 1.0 < p < np.inf:
            yield from self._metrics(chosen, p)
            return
        Z = self._pairs.constraints(chosen, self._scores, self._features)
        solve = _spectral if np.isinf(p) else _nuclear
        shape = self._scores.shape[1], self._features.shape[1]
        for tolerance in _TOLERANCES:
            V, weights = solve(Z, shape, tolerance)
            yield self._original(V.reshape(shape)), weights

    def _original(self, V: Array) -> Array:
        return np.asarray((self._scores @ V @ self._span).ravel())

    def _metrics(self, chosen: Indices, p: float) -> Iterator[Pair]:
        """Solve for metrics S on the rows of V: least tr(V^T S V) subject to margins >= 1.

        Optimal are the metrics S = (V V^T)^((p - 2) / 2), and what is the same S^-1 = (M M^T)^((q -
        2) / 2) with the slope M = S V of the dual: the one below q, p <= 2 is iterated.  A step of
        the iteration goes too short by 0 to 2 - p; logarithms of metrics go 2 / p times as far.
        """
        power = min(p, dual_exponent(p))
        size = self._scores.shape[1]
        logarithm = np.zeros((size, size))  # of S if p <= 2, else of S^-1
        for _ in range(_METRICS):
            sign = 0.5 if p > 2.0 else -0.5
            root = _function(logarithm, lambda values, s=sign: np.exp(s * values))
            Z = self._pairs.constraints(chosen, self._scores @ root, self._features)
            found = solve_quadratic(Z, np.ones(len(chosen)))
            if found is None:
                return
            U, weights = found[0].reshape(size, -1), found[1]
            yield self._original(root @ U), weights
            point = root @ U if p <= 2.0 else np.linalg.solve(root, U)
            goal = _function(point @ point.T, lambda values: _logarithm(values, power))
            step = goal - logarithm
            step -= np.eye(size) * np.trace(step) / size  # the size of a metric is of no meaning
            logarithm = logarithm + 2.0 / power * step


def _logarithm(values: Array, power: float) -> Array:
    floored = np.maximum(values, (_FLOOR * _FLOOR) * values.max())
    return np.asarray(0.5 * (power - 2.0) * np.log(floored))


def _function(symmetric: Array, function: Any) -> Array:
    """Return a function of a symmetric matrix."""
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray((vectors * function(values)) @ vectors.T)


def _spectral(Z: Array, shape: tuple[int, int], tolerance: float) -> Pair:
    """Largest t with Z v >= t and [[I, V], [V^T, I]] semidefinite, which is ||V||_2 <= 1."""
    import clarabel
    import scipy.sparse as sparse

    corner, identity = _corner(shape)
    ones = sparse.csr_array(np.ones((len(Z), 1)))
    result = _solved(
        np.append(np.zeros(Z.shape[1]), -1.0),
        [[sparse.csr_array(-Z), ones], [-corner, None]],
        [np.zeros(len(Z)), identity],
        [clarabel.NonnegativeConeT(len(Z)), clarabel.PSDTriangleConeT(sum(shape))],
        tolerance,
    )
    return np.array(result.x)[:-1], np.array(result.z)[: len(Z)]


def _nuclear(Z: Array, shape: tuple[int, int], tolerance: float) -> Pair:
    """Least t with [[t I, M], [M^T, t I]] semidefinite, M = mat(Z^T a), a >= 0 of sum 1.

    The multipliers of the corner are V.
    """
    import clarabel
    import scipy.sparse as sparse

    corner, identity = _corner(shape)
    count = len(Z)
    result = _solved(
        np.append(np.zeros(count), 1.0),
        [
            [sparse.csr_array(np.ones((1, count))), None],
            [-sparse.eye_array(count), None],
            [-(corner @ sparse.csr_array(Z.T)), sparse.csr_array(-identity[:, None])],
        ],
        [np.ones(1), np.zeros(count + identity.size)],
        [
            clarabel.ZeroConeT(1),
            clarabel.NonnegativeConeT(count),
            clarabel.PSDTriangleConeT(sum(shape)),
        ],
        tolerance,
    )
    V = -corner.T @ np.array(result.z)[1 + count :]
    return np.asarray(V), np.array(result.x)[:-1]


def _corner(shape: tuple[int, int]) -> tuple[Any, Array]:
    """Where the corner V of [[I, V], [V^T, I]] lies in its triangle, and the triangle of I.

    The solver reads the upper triangle column by column, off the diagonal times sqrt(2).
    """
    import scipy.sparse as sparse

    rows, columns = shape
    side = rows + columns
    starts = np.arange(side) * (np.arange(side) + 1) // 2
    places = (starts[rows:] + np.arange(rows)[:, None]).ravel()
    identity = np.zeros(side * (side + 1) // 2)
    identity[starts + np.arange(side)] = 1.0
    entries = np.full(places.size, np.sqrt(2.0)), (places, np.arange(places.size))
    return sparse.csr_array(entries, shape=(identity.size, places.size)), identity


def _solved(
    cost: Array, blocks: list[Any], right: list[Array], cones: list[Any], tol: float
) -> Any:
    """Minimise cost . x subject to right - A x in the cones."""
    import clarabel
    import scipy.sparse as sparse

    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.direct_solve_method = "faer"
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tol
    return clarabel.DefaultSolver(
        sparse.csc_matrix((cost.size, cost.size)),
        cost,
        sparse.csc_matrix(sparse.block_array(blocks)),
        np.concatenate(right),
        cones,
        settings,
    ).solve()
