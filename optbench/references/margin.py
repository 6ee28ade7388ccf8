"""Max margins: max of min_i (Z w)_i over ||w|| = 1, for p-norms and quadratic norms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import Array, Matrix, as_dense, as_matrix, extended_product
from optbench.references.certificate import (
    Reference,
    check_exponent,
    dual_exponent,
    norm_name,
    relative_gap,
    vector_norm,
)
from optbench.references.face import is_only_point
from optbench.references.norm_linear import solve_norm_linear


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
    from optbench.references.norm_smooth import solve_norm_smooth

    smooth = 1.0 < p < np.inf
    solve = solve_norm_smooth if smooth else solve_norm_linear
    candidates = solve(Z, np.ones(Z.shape[0]), p, inequality=True)
    certified = [_certify(Z, w, a, p) for w, a in candidates]
    if not certified or max(reference.value for reference in certified) <= 0.0:
        raise UserError(
            "the data are not linearly separable, so no margin exists:"
            " add an intercept column or use the logistic decomposition"
        )
    best = min(certified, key=lambda reference: reference.gap)
    if smooth:
        return replace(best, unique=True)
    point, ones = best.solution / best.value, np.ones(Z.shape[0])
    return replace(best, unique=is_only_point(Z, ones, point, best.dual, p, inequality=True))


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
