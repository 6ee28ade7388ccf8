"""Least squares over the positive orthant."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from optbench.references.arrays import (
    Matrix,
    as_dense,
    as_matrix,
    as_vector,
    extended_product,
    term_sizes,
)
from optbench.references.certificate import Reference, relative_gap
from optbench.references.least_squares import least_squares
from optbench.references.scaling import rank

_ROUNDING = 1e-14


def nonnegative_least_squares(A: Matrix, b: ArrayLike) -> Reference:
    """Minimiser of 1/2 ||A x - b||^2 over x >= 0, by the active sets of Lawson and Hanson (SciPy).

    The dual is max r.b - 1/2 ||r||^2 subject to A^T r <= 0, met by the residual r = b - A x.

    Parameters
    ----------
    A : array_like or scipy.sparse matrix, shape (m, d)
    b : array_like, shape (m,)

    Returns
    -------
    Reference
        `value` the objective, `dual` r, `residual` the largest positive entry of A^T r relative to
        abs(A)^T abs(r).  `unique` is True if the columns with A^T r = 0 are independent, else None.

    References
    ----------
    Lawson and Hanson 1995, doi:10.1137/1.9781611971217.
    """
    from scipy.optimize import nnls

    A = as_dense(as_matrix(A, "A"))
    b = as_vector(b, A.shape[0], "b")
    exponents = -np.frexp(np.abs(A).max(axis=0))[1]
    support = np.flatnonzero(nnls(np.ldexp(A, exponents), b)[0])
    x, error = np.zeros(A.shape[1]), b
    if support.size:
        fit = least_squares(A[:, support], b)
        x[support] = np.maximum(fit.solution, 0.0)
        fits = fit.value == 0.0 and (fit.solution >= 0.0).all()
        error = np.zeros_like(b) if fits else (b - extended_product(A, x)).astype(np.float64)
    slopes = extended_product(A.T, error).astype(np.float64)
    rounding = _ROUNDING * (np.abs(A).T @ (np.abs(b) + term_sizes(A, x)))
    slopes = np.where(np.abs(slopes) <= rounding, 0.0, slopes)
    relative = slopes / np.maximum(np.abs(A).T @ np.abs(error), np.finfo(np.float64).tiny)
    candidates = A[:, relative >= -1e-9]
    value = 0.5 * float(error @ error)
    # r.b - 1/2 ||r||^2 with b = r + A x
    bound = value + float(slopes @ x)
    return Reference(
        name="nonnegative",
        kind="minimizer",
        norm=None,
        solution=x,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        dual=error,
        unique=True if candidates.size == 0 or rank(candidates) == candidates.shape[1] else None,
        residual=float(max(relative.max(), 0.0)),
    )
