"""Damped Newton on the dual of separable convex programs with A x = b."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optbench.references.arrays import Array, Matrix, as_dense, extended_product, is_sparse

_STEPS = 100
_FULL_STEPS = 40  # at the end: each at least halves the error
_CLOSE = 1e-6
_NOTHING = 1e-9


class Potential(NamedTuple):
    """Conjugate of a separable potential: its value sum, its derivative and second derivative."""

    conjugate: Callable[[Array], float]
    point: Callable[[Array], Array]
    curvature: Callable[[Array], Array]


def maximize_dual(A: Matrix, b: Array, nu: Array, potential: Potential) -> Array:
    """Maximise b.nu - phi*(A^T nu), so that x = phi*'(A^T nu) meets A x = b.

    Parameters
    ----------
    A : ndarray or csr_array, shape (m, d)
        May have dependent rows.
    b : ndarray, shape (m,)
        In the range of A.
    nu : ndarray, shape (m,)
        Where to start.
    potential : Potential
        phi* with its first two derivatives, applied to vectors of shape (d,).

    Returns
    -------
    ndarray, shape (m,)
    """
    value, size = dual_value(A, b, nu, potential), abs(A)
    for _ in range(_STEPS):
        residual, error = _residual(A, size, b, nu, potential)
        if error <= _CLOSE:
            break
        step = weighted_solve(A, potential.curvature(A.T @ nu), residual)
        length = 1.0
        gain = residual @ step
        while length > 1e-10:
            trial = nu + length * step
            trial_value = dual_value(A, b, trial, potential)
            if trial_value >= value + 1e-4 * length * gain:
                break
            length *= 0.5
        else:
            break
        nu, value = trial, trial_value
    return _finish(A, size, b, nu, potential)


def dual_value(A: Matrix, b: Array, nu: Array, potential: Potential) -> float:
    """Return b.nu - phi*(A^T nu), -inf where it overflows."""
    with np.errstate(over="ignore"):
        value = float(b @ nu - potential.conjugate(A.T @ nu))
    return value if np.isfinite(value) else -np.inf


def _residual(
    A: Matrix, size: Matrix, b: Array, nu: Array, potential: Potential
) -> tuple[Array, float]:
    """Return b - A x, and the largest of its entries relative to its own row's terms."""
    point = potential.point(A.T @ nu)
    if not np.isfinite(point).all():
        return np.full_like(b, np.inf), np.inf
    residual = (b - extended_product(A, point)).astype(np.float64)
    return residual, relative_residual(residual, size, b, point)


def relative_residual(residual: Array, size: Matrix, b: Array, point: Array) -> float:
    """Largest residual of A x = b relative to its row's own terms, which exp leaves at 1e-200.

    Parameters
    ----------
    residual : ndarray, shape (m,)
    size : ndarray or csr_array, shape (m, d)
        abs(A).
    b, point : ndarray, shapes (m,) and (d,)
        Terms below 1e-9 of the largest entry of the point count as that.

    Returns
    -------
    float
    """
    largest = np.asarray(size.max(axis=1).toarray() if is_sparse(size) else size.max(axis=1))
    floor = _NOTHING * np.abs(point).max() * largest.ravel()
    terms = np.maximum(np.abs(b) + size @ np.abs(point), floor)
    return float((np.abs(residual) / np.maximum(terms, np.finfo(np.float64).tiny)).max())


def _finish(A: Matrix, size: Matrix, b: Array, nu: Array, potential: Potential) -> Array:
    """Full steps as long as they halve the residual, which the value no longer resolves."""
    residual, error = _residual(A, size, b, nu, potential)
    for _ in range(_FULL_STEPS):
        trial = nu + weighted_solve(A, potential.curvature(A.T @ nu), residual)
        residual, found = _residual(A, size, b, trial, potential)
        if not found < error:
            break
        settled, error, nu = found > 0.5 * error, found, trial
        if settled:
            break
    return nu


def weighted_solve(A: Matrix, weights: Array, right: Array) -> Array:
    """Solve A diag(weights) A^T y = right, by Cholesky where that is accurate enough, else by QR.

    Parameters
    ----------
    A : ndarray or csr_array, shape (m, d)
        May have dependent rows.
    weights : ndarray, shape (d,)
        Positive; they may span many decades.
    right : ndarray, shape (m,)
        In the range of A.

    Returns
    -------
    ndarray, shape (m,)
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    if not np.isfinite(weights).all():
        return _orthogonal_solve(A, weights, right)
    root = np.sqrt(weights)
    scaled = A * root if is_sparse(A) else A * root[None, :]
    matrix: Any = scaled @ scaled.T
    matrix = matrix.toarray() if is_sparse(A) else matrix
    diagonal = np.sqrt(np.diag(matrix))
    if diagonal.min() > 0.0:
        try:
            factor = cho_factor(matrix / diagonal[:, None] / diagonal, overwrite_a=True)
        except LinAlgError:
            return _orthogonal_solve(A, weights, right)
        step = cho_solve(factor, right / diagonal) / diagonal
        missing = np.abs(matrix @ step - right) / diagonal
        if missing.max() <= 1e-3 * np.abs(right / diagonal).max():
            return np.asarray(step)
    return _orthogonal_solve(A, weights, right)


def _orthogonal_solve(A: Matrix, weights: Array, right: Array) -> Array:
    """Solve A D A^T y = right by the QR of sqrt(D) A^T, rows sorted and columns pivoted.

    D spans many decades; this keeps the accuracy of every row (Cox and Higham 1998,
    doi:10.1007/BF02510914) and drops dependent rows of A.
    """
    from scipy.linalg import qr, solve_triangular

    order = np.argsort(-weights)
    scaled = (as_dense(A)[:, order] * np.sqrt(weights[order])).T
    triangle, pivots = qr(scaled, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(triangle))
    rank = int((diagonal > 1e-14 * diagonal[0]).sum())
    triangle, pivots = triangle[:rank, :rank], pivots[:rank]
    step = np.zeros_like(right)
    step[pivots] = solve_triangular(triangle, solve_triangular(triangle, right[pivots], trans="T"))
    return step
