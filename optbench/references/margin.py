"""Max margins: max of min_i (Z w)_i over ||w|| = 1, for p-norms and quadratic norms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.norm_names import norm_name
from optbench.references.arrays import Array, Matrix, Pair, as_dense, as_matrix, extended_product
from optbench.references.certificate import (
    Reference,
    check_exponent,
    dual_exponent,
    relative_gap,
    vector_norm,
)
from optbench.references.face import is_only_point
from optbench.references.norm_linear import solve_norm_linear, solve_norm_scaled
from optbench.references.scaling import rescale
from optbench.references.separability import separability


def max_margin(Z: Matrix, p: float) -> Reference:
    """Direction of largest margin in the p-norm.

    The margin gamma_p = max_{||w||_p = 1} min_i (Z w)_i is one over the least p-norm subject to
    Z w >= 1, and equals the dual value min over the simplex of ||Z^T a||_q, 1/p + 1/q = 1.

    Parameters
    ----------
    Z : array_like or scipy.sparse matrix, shape (n, d)
        Rows y_i x_i.
    p : float
        Exponent in [1, inf].

    Returns
    -------
    Reference
        `solution` of unit norm, `value` its margin, `dual` the weights a in the simplex,
        `bound` = ||Z^T a||_q, both recomputed from the points whatever the solver claims.

    Raises
    ------
    UserError
        If no hyperplane through the origin separates the data.

    References
    ----------
    Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1802.08246.
    """
    Z, p = as_matrix(Z, "Z"), check_exponent(p)
    found: list[Reference] = []
    for way in (_solve, _solve_scaled, _witness):
        found += [_certify(Z, w, weights, p) for w, weights in way(Z, p)]
        if found and min(found, key=_gap).certified:
            break
        if way is _solve and not separability(Z).separable:
            raise UserError(
                "the data are not linearly separable, so no margin exists:"
                " add an intercept column or use the logistic decomposition"
            )
    best = _best(found)
    if 1.0 < p < np.inf:
        return replace(best, unique=True)
    if not best.certified:
        return best
    point, ones = best.solution / best.value, np.ones(Z.shape[0])
    return replace(best, unique=is_only_point(Z, ones, point, best.dual, p, inequality=True))


def _gap(reference: Reference) -> float:
    return reference.gap


def _best(found: list[Reference]) -> Reference:
    """The smallest gap; without a certificate the largest margin beside the smallest bound."""
    least = min(found, key=_gap)
    if least.certified:
        return least
    primal = max(found, key=lambda reference: reference.value)
    dual = min(found, key=lambda reference: reference.bound)
    gap = relative_gap(primal.value, dual.bound)
    return replace(primal, bound=dual.bound, dual=dual.dual, gap=gap)


def _solve(Z: Matrix, p: float, sides: Array | None = None) -> list[Pair]:
    """Points and multipliers of least norm under Z w >= sides, which are 1 if not given."""
    from optbench.references.norm_smooth import solve_norm_smooth

    solve = solve_norm_smooth if 1.0 < p < np.inf else solve_norm_linear
    return solve(Z, np.ones(Z.shape[0]) if sides is None else sides, p, inequality=True)


def _solve_scaled(Z: Matrix, p: float) -> list[Pair]:
    """Solve with rows of one size: what is small is then not below the solver's tolerances."""
    if not 1.0 < p < np.inf:
        return solve_norm_scaled(Z, np.ones(Z.shape[0]), p, inequality=True)
    exponents = np.frexp(as_dense(abs(Z).max(axis=1)).ravel())[1]
    rows = rescale(Z, -exponents, np.zeros(Z.shape[1], dtype=np.int_))
    pairs = _solve(rows, p, np.ldexp(1.0, -exponents))
    return [(w, np.ldexp(weights, -exponents)) for w, weights in pairs]


def _witness(Z: Matrix, p: float) -> list[Pair]:
    """A direction that is proved to separate the rows, with no claim to be the best."""
    return [(separability(Z).direction, np.ones(Z.shape[0]))]


def quadratic_margin(Z: Matrix, metric: ArrayLike) -> Reference:
    """Direction of largest margin in the norm sqrt(w^T metric w).

    This is the geometry of natural and preconditioned gradient descent. On the range of the
    metric w = R u with R^T metric R = I, and the L2 margin of Z R is wanted.

    Parameters
    ----------
    Z : array_like or scipy.sparse matrix, shape (n, d)
        Rows y_i x_i.
    metric : array_like, shape (d, d)
        Symmetric positive semi-definite; its range must contain the rows of Z.

    Returns
    -------
    Reference
        `solution` w with w^T metric w = 1 in the range of the metric.

    Raises
    ------
    UserError
        If the metric is not symmetric positive semi-definite, does not see a direction in which
        the data vary, or the data are not separable.
    """
    Z = as_matrix(Z, "Z")
    metric = as_dense(as_matrix(metric, "metric"))
    d = Z.shape[1]
    if metric.shape != (d, d) or not np.allclose(metric, metric.T, rtol=1e-10, atol=0.0):
        raise UserError(f"metric has shape {metric.shape}: a symmetric ({d}, {d}) matrix is needed")
    values, vectors = np.linalg.eigh(metric)
    if values[0] < -1e-10 * values[-1] or values[-1] <= 0.0:
        raise UserError("metric has a negative eigenvalue: it must be positive semi-definite")
    kept = values > 1e-12 * values[-1]
    outside = Z @ vectors[:, ~kept]
    if np.abs(outside).max(initial=0.0) > 1e-8 * abs(Z).max():
        raise UserError("metric is singular on the span of the rows of Z: the margin is unbounded")
    root = vectors[:, kept] / np.sqrt(values[kept])
    reference = max_margin(Z @ root, 2.0)
    return replace(
        reference, name="quadratic", norm="quadratic", solution=root @ reference.solution
    )


def _certify(Z: Matrix, w: Array, weights: Array, p: float) -> Reference:
    """Certificate of a direction and of dual weights clipped to the simplex."""
    size = vector_norm(w, p)
    direction = w / size if size > 0.0 and np.isfinite(size) else np.zeros_like(w)
    value = float(extended_product(Z, direction).min() / (vector_norm(direction, p) or 1.0))
    weights = np.maximum(weights, 0.0)
    total = weights.sum()
    usable = np.isfinite(total) and total > 0.0
    weights = weights / total if usable else np.full(weights.size, 1.0 / weights.size)
    slope = extended_product(Z.T, weights) / weights.astype(np.longdouble).sum()
    bound = vector_norm(slope, dual_exponent(p))
    gap = relative_gap(value, bound)
    return Reference(
        norm_name(p), "max_margin", norm_name(p), direction, value, bound, gap, weights, None
    )
