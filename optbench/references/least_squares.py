"""Least squares: certified optimum, its minimisers, and the spectrum of the Hessian."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from optbench.references.arrays import (
    Array,
    Matrix,
    as_dense,
    as_matrix,
    as_vector,
    extended_product,
    is_sparse,
)
from optbench.references.certificate import Reference, relative_gap

_ROUNDING = 1e-13
_DENSE_GRAM = 4000


class HessianEigenvalues(NamedTuple):
    """Extreme eigenvalues of X^T X / n: the largest and the smallest positive one."""

    largest: float
    smallest_positive: float


def least_squares(X: Matrix, y: ArrayLike) -> Reference:
    """Optimum of ||X w - y||^2 / (2 n) and its minimiser of least L2 norm.

    The dual is max (r.y - ||r||^2 / 2) / n over X^T r = 0, met by the residual r.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)

    Returns
    -------
    Reference
        `value` the optimal loss, exactly 0 when the residual is at rounding level; `dual` the
        residual y - X w, projected on the null space of X^T.
    """
    X = as_matrix(X, "X")
    y = as_vector(y, X.shape[0], "y")
    dense = as_dense(X)
    left, singular, right = np.linalg.svd(dense, full_matrices=False)
    rank = _rank(singular, X.shape)
    left, singular, right = left[:, :rank], singular[:rank], right[:rank]
    w = right.T @ ((left.T @ y) / singular)
    error = (y - extended_product(X, w)).astype(np.float64)
    w = w + right.T @ ((left.T @ error) / singular)
    error = (y - extended_product(X, w)).astype(np.float64)
    size = np.abs(y).max() + float(singular[:1].sum()) * np.linalg.norm(w)
    dual = np.zeros_like(y)
    value = bound = 0.0
    if np.abs(error).max() > _ROUNDING * size:
        dual = error - left @ (left.T @ error)
        value = float(error @ error) / (2 * y.size)
        bound = float(dual @ y - dual @ dual / 2.0) / y.size
    gap = relative_gap(value, bound)
    return Reference("l2", "minimizer", "l2", w, value, bound, gap, dual, unique=rank == X.shape[1])


def nearest_minimizer(X: Matrix, y: ArrayLike, start: ArrayLike) -> Array:
    """The minimiser of ||X w - y|| nearest to a point: start + pinv(X) (y - X start).

    Gradient descent from `start` converges to it.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)
    start : array_like, shape (d,)

    Returns
    -------
    ndarray, shape (d,)
    """
    X = as_matrix(X, "X")
    y, start = as_vector(y, X.shape[0], "y"), as_vector(start, X.shape[1], "start")
    return start + least_squares(X, y - X @ start).solution


def hessian_eigenvalues(X: Matrix) -> HessianEigenvalues:
    """Largest and smallest positive eigenvalue of the Hessian X^T X / n.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)

    Returns
    -------
    HessianEigenvalues
        For sparse data with more than 4000 rows and columns `smallest_positive` is NaN, since it
        would need a dense factorisation. A zero matrix has (0, 0).
    """
    X = as_matrix(X, "X")
    n = X.shape[0]
    if is_sparse(X):
        gram = X.T @ X if X.shape[1] <= n else X @ X.T
        if gram.shape[0] > _DENSE_GRAM:
            from scipy.sparse.linalg import eigsh

            largest = eigsh(gram, k=1, which="LA", return_eigenvectors=False)[0]
            return HessianEigenvalues(float(largest) / n, float("nan"))
        X = as_dense(X)
    singular = np.linalg.svd(X, compute_uv=False)
    rank = _rank(singular, X.shape)
    if rank == 0:
        return HessianEigenvalues(0.0, 0.0)
    return HessianEigenvalues(float(singular[0]) ** 2 / n, float(singular[rank - 1]) ** 2 / n)


def _rank(singular: Array, shape: tuple[int, ...]) -> int:
    tolerance = singular[0] * max(shape) * np.finfo(np.float64).eps
    return int((singular > tolerance).sum())
