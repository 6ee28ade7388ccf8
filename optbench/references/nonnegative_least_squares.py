"""Least squares over the positive orthant."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from optbench.references.arrays import Matrix, as_dense, as_matrix, as_vector
from optbench.references.certificate import Reference, relative_gap


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
        abs(A)^T abs(b).  `unique` is True if the columns with A^T r = 0 are independent, else None.

    References
    ----------
    Lawson and Hanson 1995, doi:10.1137/1.9781611971217.
    """
    from scipy.optimize import nnls

    A = as_dense(as_matrix(A, "A"))
    b = as_vector(b, A.shape[0], "b")
    x = nnls(A, b)[0]
    residual = b - A @ x
    slopes = A.T @ residual
    size = max(float((np.abs(A).T @ np.abs(b)).max()), 1e-300)
    candidates = A[:, slopes >= -1e-9 * size]
    independent = (
        candidates.shape[1] == 0 or np.linalg.matrix_rank(candidates) == candidates.shape[1]
    )
    value = 0.5 * float(residual @ residual)
    bound = float(residual @ b) - value
    return Reference(
        name="nonnegative",
        kind="minimizer",
        norm=None,
        solution=x,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound, scale=0.5 * float(b @ b)),
        dual=residual,
        unique=True if independent else None,
        residual=float(max(slopes.max(), 0.0) / size),
    )
