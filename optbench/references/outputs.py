"""Least norms of matrices whose rows are apart: one system a row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optbench.references.arrays import Array, Matrix
from optbench.references.certificate import Reference, relative_gap
from optbench.references.least_norm import least_norm


def least_norm_of_outputs(features: Matrix, targets: Array) -> Reference:
    """Matrix W of least L2 (Frobenius) norm with W x_i = targets_i.

    Its rows are the interpolants of least norm of each output, ||W||^2 is the sum of their squares,
    and so the norms and bounds of rows make those of the whole.

    Parameters
    ----------
    features : array_like or scipy.sparse matrix, shape (n, d)
    targets : ndarray, shape (n, k)

    Returns
    -------
    Reference
        `solution` W row by row; `dual` those of the rows, weighted by their part of the norm.

    Raises
    ------
    UserError
        If some output has no solution beyond rounding.
    """
    rows = [least_norm(features, column, 2.0) for column in np.transpose(targets)]
    value = float(np.linalg.norm([row.value for row in rows]))
    bound = float(np.linalg.norm([row.bound for row in rows]))
    return replace(
        rows[0],
        solution=np.concatenate([row.solution for row in rows]),
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        dual=np.concatenate([row.dual * (row.bound / (bound or 1.0)) for row in rows]),
        residual=max(row.residual for row in rows),
    )
