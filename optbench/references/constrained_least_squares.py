"""Least squares over a box or a simplex."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import (
    Array,
    Matrix,
    as_dense,
    as_matrix,
    as_vector,
    extended_product,
)
from optbench.references.certificate import Reference, relative_gap
from optbench.references.scaling import rank

_AT_END = 1e-6  # of the size of the set: so near an end the interior point method means the end


def box_least_squares(X: Matrix, y: ArrayLike, lower: float, upper: float) -> Reference:
    """Minimiser of 1/2 ||X w - y||^2 over lower <= w <= upper.

    Clarabel tells which coordinates are at an end; the equations of the others are solved again.
    With g = X^T (X w - y) no point of the box is lower by more than the largest g.(w - v) over the
    box (Frank, Wolfe 1956): that is the gap.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)
    lower, upper : float

    Returns
    -------
    Reference
        `value` the objective, `dual` g.  `unique` is True if the columns whose g is 0 are
        independent, else None.

    Raises
    ------
    UserError
        If the box is empty.
    """
    if not lower < upper:
        raise UserError(f"lower={lower:g} must be less than upper={upper:g}")
    X, y = _checked(X, y)
    size = X.shape[1]
    near = _solved(X, y, np.full(size, lower), np.full(size, upper), None)
    ends = _AT_END * (upper - lower)
    w = np.where(near < lower + ends, lower, np.where(near > upper - ends, upper, near))
    free = (w != lower) & (w != upper)
    if free.any():
        w[free] = np.clip(w[free] + np.linalg.lstsq(X[:, free], y - X @ w)[0], lower, upper)
    slopes = _slopes(X, y, w)
    gap = float(np.maximum(slopes * (w - lower), slopes * (w - upper)).sum())
    still = free | (np.abs(slopes) <= _AT_END * np.abs(slopes).max())
    unique = not still.any() or rank(X[:, still]) == still.sum()
    return _reference("box", X, y, w, slopes, gap, unique)


def simplex_least_squares(X: Matrix, y: ArrayLike, total: float) -> Reference:
    """Minimiser of 1/2 ||X w - y||^2 over w >= 0 whose sum is ``total``.

    As :func:`box_least_squares`, with the largest g.(w - v) over the simplex.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)
    total : float
        Positive.

    Returns
    -------
    Reference
        As there; `unique` is True if the columns whose g is the least are affinely independent.

    Raises
    ------
    UserError
        If the total is not positive.
    """
    if not total > 0.0:
        raise UserError(f"total={total:g} must be positive")
    X, y = _checked(X, y)
    size = X.shape[1]
    near = _solved(X, y, np.zeros(size), np.full(size, np.inf), total)
    free = near > _AT_END * total
    w = np.where(free, near, 0.0)
    w *= total / w.sum()
    _, _, turned = np.linalg.svd(np.ones((1, int(free.sum()))))
    across = turned[1:].T  # columns that are orthogonal to ones
    w[free] += across @ np.linalg.lstsq(X[:, free] @ across, y - X @ w)[0]
    w = np.maximum(w, 0.0) * (total / np.maximum(w, 0.0).sum())
    slopes = _slopes(X, y, w)
    least = slopes.min()
    gap = float(w @ (slopes - least))
    still = free | (slopes - least <= _AT_END * np.abs(slopes).max())
    unique = rank(np.vstack([X[:, still], np.ones(still.sum())])) == still.sum()
    return _reference("simplex", X, y, w, slopes, gap, unique)


def _checked(X: Matrix, y: ArrayLike) -> tuple[Array, Array]:
    matrix = as_dense(as_matrix(X, "X"))
    return matrix, as_vector(y, matrix.shape[0], "y")


def _slopes(X: Array, y: Array, w: Array) -> Array:
    residual = (extended_product(X, w) - y).astype(np.float64)
    return np.asarray(extended_product(X.T, residual), dtype=np.float64)


def _solved(X: Array, y: Array, lower: Array, upper: Array, total: float | None) -> Array:
    """Solve the quadratic program in w and the residual r = X w - y by an interior point method."""
    import clarabel
    from scipy import sparse

    rows, size = X.shape
    nothing = sparse.csc_matrix((size, rows))
    ends = [(-sparse.eye(size), -lower)]
    if np.isfinite(upper).all():
        ends.append((sparse.eye(size), upper))
    equations = [(sparse.csc_matrix(X), -sparse.eye(rows), y)]
    if total is not None:
        equations.append((sparse.csc_matrix(np.ones((1, size))), None, np.array([total])))
    blocks = [[left, right] for left, right, _ in equations] + [[e, nothing] for e, _ in ends]
    sides = [side for *_, side in equations] + [side for _, side in ends]
    cost = sparse.block_diag([sparse.csc_matrix((size, size)), sparse.eye(rows)], format="csc")
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    cones = [
        clarabel.ZeroConeT(sum(len(side) for *_, side in equations)),
        clarabel.NonnegativeConeT(size * len(ends)),
    ]
    result = clarabel.DefaultSolver(
        sparse.triu(cost).tocsc(),
        np.zeros(size + rows),
        sparse.bmat(blocks, format="csc"),
        np.concatenate(sides),
        cones,
        settings,
    ).solve()
    return np.asarray(result.x)[:size]


def _reference(
    name: str, X: Array, y: Array, w: Array, slopes: Array, gap: float, unique: bool
) -> Reference:
    residual = (extended_product(X, w) - y).astype(np.float64)
    value = 0.5 * float(residual @ residual)
    return Reference(
        name=name,
        kind="minimizer",
        norm=None,
        solution=w,
        value=value,
        bound=value - gap,
        gap=relative_gap(value, value - gap, 0.5 * float(y @ y)),
        dual=slopes,
        unique=True if unique else None,
    )
