"""Interpolants X w = y of least p-norm, and of least preconditioned distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.norm_names import norm_name
from optbench.references.arrays import (
    Array,
    Matrix,
    Pair,
    as_dense,
    as_matrix,
    as_vector,
    extended_product,
    spread,
    term_sizes,
)
from optbench.references.certificate import (
    Reference,
    check_exponent,
    dual_exponent,
    relative_gap,
    vector_norm,
    violation,
)
from optbench.references.face import is_only_point
from optbench.references.least_squares import least_squares
from optbench.references.norm_linear import solve_norm_linear, solve_norm_scaled
from optbench.references.scaling import graded_qr, independent_rows, rescale, solve_upper

_CONSISTENT = 1e-9
_REFINEMENTS = 3


def least_norm(X: Matrix, y: ArrayLike, p: float) -> Reference:
    """Interpolant of least p-norm.

    min ||w||_p subject to X w = y; the dual is max y.nu subject to ||X^T nu||_q <= 1.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)
    p : float
        Exponent in [1, inf].

    Returns
    -------
    Reference
        `value` the norm, `dual` nu with ||X^T nu||_q = 1, `bound` y.nu, `residual` the largest
        abs(X w - y) relative to the largest abs(y).

    Raises
    ------
    UserError
        If X w = y has no solution beyond rounding.

    References
    ----------
    Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1802.08246.
    """
    X, y, p = _consistent_system(X, y, check_exponent(p))
    if not y.any():
        zero = np.zeros(X.shape[1])
        return _certify(X, y, zero, np.zeros_like(y), p)
    rows = independent_rows(X)
    found: list[Reference] = []
    for way in (_solve, _solve_scaled):
        pairs = [(w, spread(nu, rows, y.size)) for w, nu in way(X[rows], y[rows], p)]
        found += [_certify(X, y, w, nu, p) for w, nu in pairs]
        if found and min(found, key=_error).certified:
            break
    best = min(found, key=_error)
    if 1.0 < p < np.inf:
        return replace(best, unique=True)
    unique = is_only_point(X[rows], y[rows], best.solution, best.dual[rows], p, inequality=False)
    return replace(best, unique=unique)


def least_bregman(X: Matrix, y: ArrayLike, preconditioner: ArrayLike) -> Reference:
    """Interpolant that preconditioned gradient descent reaches from 0.

    w = P X^T (X P X^T)^+ y minimises w^T P^+ w over X w = y in the range of P.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)
    preconditioner : array_like, shape (d, d)
        P, symmetric positive semi-definite.

    Returns
    -------
    Reference
        `value` the norm sqrt(w^T P^+ w), `dual` nu with (X^T nu)^T P (X^T nu) = 1.

    Raises
    ------
    UserError
        If P is not symmetric positive semi-definite or no interpolant lies in its range.

    References
    ----------
    Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1802.08246.
    """
    X = as_matrix(X, "X")
    d = X.shape[1]
    P = as_dense(as_matrix(preconditioner, "preconditioner"))
    if P.shape != (d, d) or not np.allclose(P, P.T, rtol=1e-10, atol=0.0):
        raise UserError(f"preconditioner has shape {P.shape}: symmetric ({d}, {d}) is needed")
    values, vectors = np.linalg.eigh(P)
    if values[0] < -1e-10 * values[-1] or values[-1] <= 0.0:
        raise UserError("preconditioner has a negative eigenvalue: it must be semi-definite")
    kept = values > 1e-14 * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])
    reference = least_norm(X @ root, y, 2.0)
    return replace(reference, name="bregman", norm="quadratic", solution=root @ reference.solution)


def _consistent_system(X: Matrix, y: ArrayLike, p: float) -> tuple[Matrix, Array, float]:
    X = as_matrix(X, "X")
    y = as_vector(y, X.shape[0], "y")
    w = least_squares(X, y).solution
    error = np.abs(extended_product(X, w) - y)
    if (error > _CONSISTENT * (np.abs(y) + term_sizes(X, w))).any():
        raise UserError(
            f"X w = y has no solution (least residual {error.max():.2g}):"
            " an interpolant needs y in the range of X"
        )
    return X, y, p


def _solve(X: Matrix, y: Array, p: float) -> list[Pair]:
    """Points and multipliers, from independent rows."""
    if p == 2.0:
        return _pseudo_inverse(X, y)
    if 1.0 < p < np.inf:
        from optbench.references.norm_smooth import solve_norm_smooth

        return solve_norm_smooth(X, y, p, inequality=False)
    return solve_norm_linear(X, y, p, inequality=False)


def _solve_scaled(X: Matrix, y: Array, p: float) -> list[Pair]:
    """Points and multipliers with rows of one size; the least L2 norm is one where others fail."""
    exponents = -np.frexp(as_dense(abs(X).max(axis=1)).ravel())[1]
    rows = rescale(X, exponents, np.zeros(X.shape[1], dtype=np.int_))
    found = _pseudo_inverse(rows, np.ldexp(y, exponents))
    if 1.0 < p < np.inf:
        found += _solve(rows, np.ldexp(y, exponents), p)
    found = [(w, np.ldexp(nu, exponents)) for w, nu in found]
    return found if 1.0 < p < np.inf else found + solve_norm_scaled(X, y, p, inequality=False)


def _pseudo_inverse(X: Matrix, y: Array) -> list[Pair]:
    """The interpolant of least L2 norm, and its multipliers."""
    basis, triangle, pivots = graded_qr(as_dense(X).T)
    w = least_squares(X, y).solution
    nu = np.zeros_like(y)
    for _ in range(_REFINEMENTS):
        error = (w - extended_product(X.T, nu)).astype(np.float64)
        nu[pivots] += solve_upper(triangle, basis.T @ error)
    return [(w, nu)]


def _error(reference: Reference) -> float:
    return reference.gap + reference.residual


def _certify(X: Matrix, y: Array, w: Array, nu: Array, p: float) -> Reference:
    """Certificate of an interpolant and of multipliers scaled to a dual norm of 1."""
    value = vector_norm(w, p)
    slope = vector_norm(extended_product(X.T, nu), dual_exponent(p))
    nu = nu / (slope or 1.0)
    bound = float(y.astype(np.longdouble) @ nu)
    residual = violation(X, y, w)
    name = norm_name(p)
    gap = relative_gap(value, bound)
    return Reference(name, "least_norm", name, w, value, bound, gap, nu, True, residual)
