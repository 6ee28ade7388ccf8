"""Reduced-rank regression: least squares with several outputs over matrices of bounded rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import Matrix, as_dense, as_matrix
from optbench.references.certificate import Reference, relative_gap

_DISTINCT = 1e-10
_ROUNDING = 1e-13


def reduced_rank(X: Matrix, Y: ArrayLike, rank: int) -> Reference:
    """Minimiser of 1/2 ||X W^T - Y||_F^2 over matrices W (k, d) of at most a given rank.

    With P the projection on the range of X and s the singular values of P Y, every W of that rank
    has ||X W^T - Y||^2 >= ||Y - P Y||^2 + s_(rank+1)^2 + ... (Eckart and Young), and the least
    squares solution projected on the leading right singular vectors of P Y attains it.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    Y : array_like, shape (n, k)
    rank : int
        At least 0; from the rank of P Y on it is ordinary least squares.

    Returns
    -------
    Reference
        `solution` W row by row, of least norm if there are several; `value` the optimum, exactly 0
        when the residual is at rounding level; `bound` from the inequality above, `dual` s.

    Raises
    ------
    UserError
        If the shapes do not fit or the rank is negative.

    References
    ----------
    Izenman 1975, doi:10.1016/0047-259X(75)90042-1.
    """
    X, Y = as_dense(as_matrix(X, "X")), as_dense(as_matrix(Y, "Y"))
    if X.shape[0] != Y.shape[0]:
        raise UserError(f"Y has {Y.shape[0]} rows: {X.shape[0]} are needed, as many as X has")
    if rank < 0:
        raise UserError(f"rank = {rank} must be at least 0")
    left, singular, right = np.linalg.svd(X, full_matrices=False)
    kept = singular > singular[0] * max(X.shape) * np.finfo(np.float64).eps
    left, singular, right = left[:, kept], singular[kept], right[kept]
    fitted = left.T @ Y  # coordinates of P Y
    _, modes, outputs = np.linalg.svd(fitted, full_matrices=False)
    projection = outputs[:rank].T @ outputs[:rank]
    W = projection @ ((fitted / singular[:, None]).T @ right)
    rest = Y - left @ fitted
    value = 0.5 * float(((X @ W.T - Y) ** 2).sum())
    bound = 0.5 * float((rest**2).sum() + (modes[rank:] ** 2).sum())
    if value <= 0.5 * (_ROUNDING * np.linalg.norm(Y)) ** 2:
        value = bound = 0.0
    if 0 < rank < modes.size:
        alone = bool(modes[rank - 1] - modes[rank] > _DISTINCT * modes[0])
    else:
        alone = True
    return Reference(
        name=f"rank{rank}",
        kind="minimizer",
        norm=None,
        solution=W.ravel(),
        value=value,
        bound=bound,
        gap=relative_gap(value, bound, scale=0.5 * float((Y**2).sum())),
        dual=modes,
        unique=alone and singular.size == X.shape[1],
    )
