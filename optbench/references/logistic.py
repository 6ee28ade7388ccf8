"""Logistic regression off the separable case: finite minimisers and the Ji-Telgarsky split."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optbench.errors import UserError
from optbench.references.arrays import (
    Array,
    Matrix,
    as_dense,
    as_matrix,
    extended_product,
    spread,
    term_sizes,
)
from optbench.references.certificate import Reference, relative_gap
from optbench.references.least_squares import hessian_eigenvalues
from optbench.references.margin import max_margin
from optbench.references.scaling import graded_qr, rank, row_space, solve_upper
from optbench.references.separability import separability

_STEPS = 200
_CLOSE = 1e-6


@dataclass(frozen=True)
class LogisticDecomposition:
    """Where gradient descent on the logistic risk goes: w(t) ~ offset + direction * growth.

    Parameters
    ----------
    separable_rows : ndarray of bool, shape (n,)
        The maximal separable subset.
    direction : Reference or None
        Max margin of these rows in the orthogonal complement of the span of the others; None if
        there are no such rows.
    offset : Reference or None
        Minimiser, in the span of the other rows, of their part of the mean risk; its value is
        the infimum of the whole mean risk. None if all rows are separable.
    """

    separable_rows: NDArray[np.bool_]
    direction: Reference | None
    offset: Reference | None


def finite_minimizer(Z: Matrix) -> Reference:
    """Minimiser of mean log(1 + exp(-Z w)) of least L2 norm.

    Newton from 0; the dual is max mean H(q) over Z^T q = 0, 0 <= q <= 1, with the binary entropy
    H, and q = 1 / (1 + exp(Z w)) projected on the null space of Z^T proves the bound.

    Parameters
    ----------
    Z : array_like or scipy.sparse matrix, shape (n, d)
        Rows y_i x_i, none of which can be separated from the others.

    Returns
    -------
    Reference
        `dual` q of shape (n,), `residual` the largest entry of the gradient relative to
        mean abs(Z)^T q.

    Raises
    ------
    UserError
        If some rows are separable: the infimum of the risk is then not attained.
    """
    Z = as_matrix(Z, "Z")
    count = int(separability(Z).separable_rows.sum())
    if count:
        raise UserError(
            f"{count} of {Z.shape[0]} rows are separable, so the logistic risk has no finite"
            " minimiser: use logistic_decomposition"
        )
    return _minimize(as_dense(Z), Z.shape[0])


def logistic_decomposition(Z: Matrix) -> LogisticDecomposition:
    """Split the data into its maximal separable subset and the rest, and solve both parts.

    Parameters
    ----------
    Z : array_like or scipy.sparse matrix, shape (n, d)
        Rows y_i x_i.

    Returns
    -------
    LogisticDecomposition

    References
    ----------
    Ji and Telgarsky 2018, arXiv:1803.07300.
    """
    Z = as_matrix(Z, "Z")
    rows = separability(Z).separable_rows
    offset = None if rows.all() else _offset(Z, ~rows)
    direction = _direction(Z, rows) if rows.any() else None
    return LogisticDecomposition(rows, direction, offset)


def _offset(Z: Matrix, rows: NDArray[np.bool_]) -> Reference:
    """Minimiser of the part of the mean risk of some rows, in their span."""
    offset = _minimize(as_dense(Z[rows]), Z.shape[0])
    return replace(offset, dual=spread(offset.dual, np.flatnonzero(rows), Z.shape[0]))


def _direction(Z: Matrix, rows: NDArray[np.bool_]) -> Reference:
    """Max margin of some rows in the orthogonal complement of the span of the others."""
    from scipy.linalg import qr

    if rows.all():
        return max_margin(Z, 2.0)
    others = Z[~rows]
    span = row_space(others)
    complement = qr(span)[0][:, span.shape[1] :] if span.size else np.eye(Z.shape[1])
    best = max_margin(Z[rows] @ complement, 2.0)
    solution = complement @ best.solution
    value = float(extended_product(Z[rows], solution).min() / np.linalg.norm(solution))
    size = np.maximum(term_sizes(others, solution), np.finfo(np.float64).tiny)
    return replace(
        best,
        solution=solution,
        value=value,
        gap=relative_gap(value, best.bound),
        dual=spread(best.dual, np.flatnonzero(rows), Z.shape[0]),
        residual=float(np.max(np.abs(extended_product(others, solution)) / size)),
    )


def smoothness_logistic(Z: Matrix) -> float:
    """Smoothness constant of mean log(1 + exp(-Z w)): lambda_max(Z^T Z) / (4 n)."""
    return hessian_eigenvalues(Z).largest / 4.0


def _minimize(Z: Array, n: int) -> Reference:
    """Damped Newton on sum log(1 + exp(-Z w)) / n in coordinates of orthonormal columns."""
    exponents = -np.frexp(np.abs(Z).max(axis=0))[1]
    basis, triangle, pivots = graded_qr(np.ldexp(Z, exponents))
    size = rank(Z)
    rows, pivots = basis[:, :size], pivots[:size]
    w = np.zeros(Z.shape[1])
    if size:
        u = _finish(rows, _descend(rows))
        w[pivots] = np.ldexp(solve_upper(triangle[:size, :size], u), exponents[pivots])
    if size < w.size:
        span = row_space(Z)
        w = span @ (span.T @ w)
    return _certify(Z, rows, w, n)


def _descend(rows: Array) -> Array:
    """Damped Newton steps from 0 until the risk no longer falls by much."""
    u = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        step, gradient = _newton_step(rows, u)
        length, risk = 1.0, np.logaddexp(0.0, -rows @ u).sum()
        if gradient @ step <= _CLOSE * risk:
            break
        while length > 1e-10:
            trial = np.logaddexp(0.0, -rows @ (u + length * step)).sum()
            if trial <= risk - 1e-4 * length * gradient @ step:
                break
            length *= 0.5
        else:
            break
        u = u + length * step
    return u


def _newton_step(rows: Array, u: Array) -> tuple[Array, Array]:
    """Newton step and descent direction Z^T q; least squares keep the conditioning of Z."""
    from scipy.special import expit

    margins = rows @ u
    q = expit(-margins)
    root = np.sqrt(q * expit(margins))
    gradient = extended_product(rows.T, q).astype(np.float64)
    triangle = np.linalg.qr(root[:, None] * rows, mode="r")
    inverse = np.linalg.pinv(triangle, rcond=1e-14)
    return inverse @ (inverse.T @ gradient), gradient


def _finish(rows: Array, u: Array) -> Array:
    """Full steps while they halve the gradient, which the risk no longer resolves."""
    step, gradient = _newton_step(rows, u)
    for _ in range(_STEPS):
        next_step, next_gradient = _newton_step(rows, u + step)
        if not np.abs(next_gradient).max() < np.abs(gradient).max():
            break
        settled = np.abs(next_gradient).max() > 0.5 * np.abs(gradient).max()
        u, step, gradient = u + step, next_step, next_gradient
        if settled:
            break
    return u


def _certify(Z: Array, rows: Array, w: Array, n: int) -> Reference:
    """Duality gap with q moved to the null space of Z^T in the metric of the Hessian."""
    from scipy.special import entr, expit

    margins = extended_product(Z, w).astype(np.float64)
    q, p = expit(-margins), expit(margins)
    gradient = extended_product(Z.T, q).astype(np.float64)
    scale = np.maximum(np.abs(Z).T @ q, np.finfo(np.float64).tiny)
    root = np.sqrt(q * p)
    drift = extended_product(rows.T, q).astype(np.float64)
    dual = q - root * np.linalg.lstsq((root[:, None] * rows).T, drift)[0]
    dual = np.clip(dual, 0.0, 1.0)
    value = float(np.logaddexp(0.0, -margins).sum()) / n
    bound = float((entr(dual) + entr(1.0 - dual)).sum()) / n
    return Reference(
        name="logistic",
        kind="minimizer",
        norm=None,
        solution=w,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        dual=dual,
        unique=rows.shape[1] == Z.shape[1],
        residual=float((np.abs(gradient) / scale).max()),
    )
