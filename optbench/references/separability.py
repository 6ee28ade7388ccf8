"""Which rows a hyperplane through the origin can separate, with both certificates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optbench.errors import UserError
from optbench.references.arrays import Array, Matrix, as_dense, as_matrix, extended_product
from optbench.references.norm_linear import HIGHS_OPTIONS


@dataclass(frozen=True)
class Separability:
    """Whether Z w > 0 has a solution, and the maximal separable subset.

    Parameters
    ----------
    separable : bool
        Whether some w has Z w > 0 in every row.
    separable_rows : ndarray of bool, shape (n,)
        The rows i for which some u has Z u >= 0 and (Z u)_i > 0.
    direction : ndarray, shape (d,)
        Such a u for all these rows at once, of unit L2 norm (0 if there are none): a witness.
    margin : float
        min (Z u)_i over the separable rows, recomputed.
    weights : ndarray, shape (n,)
        Gordan certificate for the other rows: weights >= 0 with sum 1 and Z^T weights = 0,
        positive exactly there (all 0 if the data are separable).
    residual : float
        Largest entry of abs(Z^T weights) relative to abs(Z)^T weights.
    """

    separable: bool
    separable_rows: NDArray[np.bool_]
    direction: Array
    margin: float
    weights: Array
    residual: float


def separability(Z: Matrix) -> Separability:
    """Separate as many rows as possible, and prove that the others cannot be.

    The linear program max sum(a) over Z^T (a + b) = 0, 0 <= a <= 1, b >= 0 has a + b > 0 exactly
    on the rows that cannot be separated (Gordan), and its multipliers u meet Z u >= 1 on the rest
    and Z u = 0 there.

    Parameters
    ----------
    Z : array_like or scipy.sparse matrix, shape (n, d)
        Rows y_i x_i.

    Returns
    -------
    Separability

    Raises
    ------
    UserError
        If the linear program fails for numerical reasons.

    References
    ----------
    Ji and Telgarsky 2018, arXiv:1803.07300 (the maximal separable subset).
    """
    Z = as_matrix(Z, "Z")
    weights, direction = _solve(Z)
    separable_rows = weights < 0.5
    length = np.linalg.norm(direction)
    direction = direction / length if separable_rows.any() and length > 0.0 else 0.0 * direction
    margins = extended_product(Z, direction)[separable_rows]
    weights = _polish(Z, np.where(separable_rows, 0.0, weights))
    cancelled = np.maximum(abs(Z).T @ weights, np.finfo(np.float64).tiny)
    return Separability(
        separable=bool(separable_rows.all() and margins.min() > 0.0),
        separable_rows=separable_rows,
        direction=direction,
        margin=float(margins.min()) if margins.size else 0.0,
        weights=weights,
        residual=float(np.max(np.abs(extended_product(Z.T, weights)) / cancelled)),
    )


def _solve(Z: Matrix) -> tuple[Array, Array]:
    """Weights a + b and multipliers u of the linear program, columns scaled to be comparable."""
    import scipy.sparse as sparse
    from scipy.optimize import linprog

    n, d = Z.shape
    column_scale = as_dense(abs(Z).max(axis=0)).ravel()
    column_scale[column_scale == 0.0] = 1.0
    scaled = sparse.csr_array(Z / column_scale)
    result = linprog(
        np.concatenate([-np.ones(n), np.zeros(n)]),
        A_eq=sparse.hstack([scaled.T, scaled.T], format="csr"),
        b_eq=np.zeros(d),
        bounds=[(0.0, 1.0)] * n + [(0.0, None)] * n,
        method="highs",
        options=HIGHS_OPTIONS,
    )
    if result.status != 0:
        raise UserError(f"separability could not be decided: {result.message.splitlines()[0]}")
    return result.x[:n] + result.x[n:], -result.eqlin.marginals / column_scale


def _polish(Z: Matrix, weights: Array) -> Array:
    """Weights of sum 1 moved, where positive, to the null space of Z^T."""
    support = np.flatnonzero(weights)
    if support.size == 0:
        return weights
    weights = weights / weights.sum()
    basis, triangle = np.linalg.qr(as_dense(Z[support]))
    solvable = np.linalg.pinv(triangle.T, rcond=1e-13)
    drift = extended_product(Z.T, weights).astype(np.float64)
    moved = weights.copy()
    moved[support] -= basis @ (solvable @ drift)
    return moved / moved.sum() if (moved[support] > 0.0).all() else weights
