"""Damped Newton on the dual of separable convex programs with A x = b."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optbench.references.arrays import Array, extended_product

_STEPS = 200
_CLOSE = 1e-6


class Potential(NamedTuple):
    """Conjugate of a separable potential: its value sum, its derivative and second derivative."""

    conjugate: Callable[[Array], float]
    point: Callable[[Array], Array]
    curvature: Callable[[Array], Array]


def maximize_dual(A: Array, b: Array, nu: Array, potential: Potential) -> Array:
    """Maximise b.nu - phi*(A^T nu), so that x = phi*'(A^T nu) meets A x = b.

    Parameters
    ----------
    A : ndarray, shape (m, d)
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
    value = dual_value(A, b, nu, potential)
    for _ in range(_STEPS):
        slope = A.T @ nu
        residual = (b - extended_product(A, potential.point(slope))).astype(np.float64)
        step = _newton_step(A, potential.curvature(slope), residual)
        if np.abs(residual).max() <= _CLOSE * np.abs(b).max():
            break
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
    return _finish(A, b, nu, step, residual, potential)


def dual_value(A: Array, b: Array, nu: Array, potential: Potential) -> float:
    """Return b.nu - phi*(A^T nu), -inf where it overflows."""
    with np.errstate(over="ignore"):
        value = float(b @ nu - potential.conjugate(A.T @ nu))
    return value if np.isfinite(value) else -np.inf


def _finish(
    A: Array, b: Array, nu: Array, step: Array, residual: Array, potential: Potential
) -> Array:
    """Full steps as long as they halve the residual, which the value no longer resolves."""
    for _ in range(_STEPS):
        point = potential.point(A.T @ (nu + step))
        trial = (b - extended_product(A, point)).astype(np.float64)
        if not np.abs(trial).max() < np.abs(residual).max():
            break
        settled = np.abs(trial).max() > 0.5 * np.abs(residual).max()
        nu, residual = nu + step, trial
        if settled:
            break
        step = _newton_step(A, potential.curvature(A.T @ nu), residual)
    return nu


def _newton_step(A: Array, curvature: Array, residual: Array) -> Array:
    """Solve A D A^T step = residual by the QR of sqrt(D) A^T, rows sorted and columns pivoted.

    D spans many decades; this keeps the accuracy of every row (Cox and Higham 1998,
    doi:10.1007/BF02510914) and drops dependent rows of A.
    """
    from scipy.linalg import qr, solve_triangular

    order = np.argsort(-curvature)
    scaled = (A[:, order] * np.sqrt(curvature[order])).T
    triangle, pivots = qr(scaled, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(triangle))
    rank = int((diagonal > 1e-14 * diagonal[0]).sum())
    triangle, pivots = triangle[:rank, :rank], pivots[:rank]
    step = np.zeros_like(residual)
    step[pivots] = solve_triangular(
        triangle, solve_triangular(triangle, residual[pivots], trans="T")
    )
    return step
