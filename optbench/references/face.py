"""Whether the solution of an L1 or Linf program is the only one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optbench.references.arrays import Array, Matrix, as_dense
from optbench.references.norm_linear import HIGHS_OPTIONS

Bounds = tuple[float | None, float | None]

_ZERO = 1e-8
_WIDTH = 1e-6


def is_only_point(
    A: Matrix, b: Array, w: Array, multipliers: Array, p: float, inequality: bool
) -> bool | None:
    """Whether w is the only vector of least L1 or Linf norm under A w >= b or A w = b.

    By complementary slackness every optimal point keeps the rows of non-zero multiplier tight.
    L1: entries where abs(A^T a) is below its maximum are 0, the others keep the sign of A^T a.
    Linf: entries where A^T a is not 0 sit at the bound, the others move inside the box. If the
    tight rows determine the entries left free the point is unique; otherwise the width of the
    face is measured along a random direction.

    Parameters
    ----------
    A : ndarray or csr_array, shape (n, d)
    b : ndarray, shape (n,)
    w : ndarray, shape (d,)
        An optimal point.
    multipliers : ndarray, shape (n,)
        Optimal multipliers, up to a positive factor.
    p : float
        1 or inf.
    inequality : bool

    Returns
    -------
    bool or None
        None if the face could not be resolved numerically.
    """
    slope = A.T @ multipliers
    relative = np.abs(slope) / np.abs(slope).max()
    free = relative < _ZERO if np.isinf(p) else relative > 1.0 - _ZERO
    tight = np.abs(multipliers) > 1e-9 * np.abs(multipliers).max()
    if not inequality:
        tight[:] = True
    columns = as_dense(A[:, np.flatnonzero(free)])
    count = int(free.sum())
    if count == 0:
        return True
    scaled = columns[tight] / np.maximum(np.abs(columns).max(axis=0), 1e-300)
    if count <= tight.sum() and np.linalg.matrix_rank(scaled, tol=1e-10) == count:
        return True
    size = np.abs(w).max()
    box: list[Bounds] = [(-1.0, 1.0)] * count
    if not np.isinf(p):
        box = [(0.0, None) if sign > 0.0 else (None, 0.0) for sign in slope[free]]
    right = (b - A @ np.where(free, 0.0, w)) / size
    return _is_narrow(columns, right, tight, w[free] / size, box)


def _is_narrow(
    columns: Array, right: Array, tight: NDArray[np.bool_], point: Array, box: list[Bounds]
) -> bool | None:
    """Extent of {x in the box, columns x >= right, tight rows equal} along a random direction."""
    from scipy.optimize import linprog

    direction = np.random.Generator(np.random.PCG64(0)).standard_normal(point.size)
    extent = []
    for sign in (1.0, -1.0):
        result = linprog(
            sign * direction,
            A_eq=columns[tight],
            b_eq=columns[tight] @ point,
            A_ub=-columns[~tight] if not tight.all() else None,
            b_ub=-right[~tight] if not tight.all() else None,
            bounds=box,
            method="highs",
            options=HIGHS_OPTIONS,
        )
        if result.status == 3:
            return False
        if result.status != 0:
            return None
        extent.append(direction @ result.x)
    return bool(extent[1] - extent[0] <= _WIDTH * np.linalg.norm(direction))
