"""Entropically regularised linear programs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.errors import UserError
from optbench.references.arrays import (
    Array,
    Matrix,
    as_dense,
    as_matrix,
    as_vector,
    extended_product,
    spread,
)
from optbench.references.certificate import Reference, relative_gap
from optbench.references.dual_newton import (
    Potential,
    dual_value,
    maximize_dual,
    relative_residual,
    weighted_solve,
)
from optbench.references.linear_program import solve_linear_program

_ENLARGED = 2.0**15
_SPARSE = 0.2  # share of entries that are not zero, below which products skip the zeros


def entropic_program(A: Matrix, b: ArrayLike, c: ArrayLike, strength: float) -> Reference:
    """Solution of min c.x + strength sum x (log x - 1) subject to A x = b.

    The solution is x = exp((A^T nu - c) / strength), found by damped Newton on the dual
    max b.nu - strength sum(x), following it from a large strength to the one asked for.

    Parameters
    ----------
    A : array_like or scipy.sparse matrix, shape (m, d)
        May have dependent rows.
    b : array_like, shape (m,)
    c : array_like, shape (d,)
    strength : float
        Weight of the entropy, in units of c.

    Returns
    -------
    Reference
        `value` the regularised objective, `dual` nu (of the columns of A that are not zero in every
        feasible x), `residual` the largest abs(A x - b) relative to the row's own terms.

    Raises
    ------
    UserError
        If strength is not positive or no x >= 0 has A x = b.

    References
    ----------
    Wang, Ghosal, Mazumder 2023, arXiv:2310.02535.
    """
    if not 0.0 < strength < np.inf:
        raise UserError(f"strength = {strength} must be positive: it weighs the entropy")
    A = as_dense(as_matrix(A, "A"))
    b, c = as_vector(b, A.shape[0], "b"), as_vector(c, A.shape[1], "c")
    columns = _positive_somewhere(A, b)
    rows = _independent(A[:, columns])
    matrix = A[np.ix_(rows, columns)]
    if np.count_nonzero(matrix) < _SPARSE * matrix.size:
        from scipy.sparse import csr_array

        matrix = csr_array(matrix)
    nu = np.zeros_like(b)
    nu[rows] = _follow(matrix, b[rows], c[columns], strength)
    return _certify(A, b, c, columns, nu, strength)


def _positive_somewhere(A: Array, b: Array) -> NDArray[np.intp]:
    """Columns that are positive in some x >= 0 with A x = b, from one linear program.

    max sum t subject to A (t + r) = s b, 0 <= t <= 1, r >= 0, s >= 1: a feasible x scaled by s.
    The other columns are zero in every feasible x, where the dual has no maximum.
    """
    from scipy.optimize import linprog

    rows, columns = A.shape
    result = linprog(
        np.concatenate([-np.ones(columns), np.zeros(columns + 1)]),
        A_eq=np.hstack([A, A, -_ENLARGED * b[:, None]]),  # HiGHS drops entries below 1e-9
        b_eq=np.zeros(rows),
        bounds=[(0.0, 1.0)] * columns + [(0.0, None)] * columns + [(1.0 / _ENLARGED, None)],
        method="highs",
    )
    if result.x is None:
        solve_linear_program(A, b, np.ones(columns))  # raises if there is no feasible x
        return np.arange(columns)
    return np.flatnonzero(result.x[:columns] > 0.5)


def _independent(A: Array) -> NDArray[np.intp]:
    """Rows of A of which no other row is a combination, as many as there are.

    A row with a column of its own, such as a slack, is independent of all others.
    """
    from scipy.linalg import qr

    filled = A != 0.0
    own = filled[:, filled.sum(axis=0) == 1].any(axis=1)
    others = np.flatnonzero(~own)
    if others.size == 0:
        return np.arange(A.shape[0])
    triangle, pivots = qr(A[others].T, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(triangle))
    rank = int((diagonal > 1e-12 * diagonal.max(initial=0.0)).sum())
    return np.sort(np.concatenate([np.flatnonzero(own), others[pivots[:rank]]]))


def _follow(A: Matrix, b: Array, c: Array, strength: float) -> Array:
    """Multipliers, followed from a large strength to the one asked for."""
    top = max(strength, np.ptp(c), np.abs(c).max())
    count = int(np.ceil(2.0 * np.log2(top / strength))) + 1
    nu = np.zeros_like(b)
    x = np.full(c.size, max(np.abs(b).max() / abs(A).sum(axis=1).max(), 1e-300))
    for current in np.geomspace(top, strength, count):
        # the multipliers under which x, the previous point, would be the solution
        target = c + current * np.log(np.maximum(x, 1e-300))
        predicted = weighted_solve(A, x, A @ (x * target))
        potential = _potential(c, current)
        if dual_value(A, b, predicted, potential) > dual_value(A, b, nu, potential):
            nu = predicted  # else it overflows: coordinates near zero leave some of nu free
        nu = maximize_dual(A, b, nu, potential)
        x = potential.point(A.T @ nu)
    return nu


def _potential(c: Array, strength: float) -> Potential:
    def point(z: Array) -> Array:
        with np.errstate(over="ignore"):  # a step too long: its value is -inf and it is halved
            return np.asarray(np.exp((z - c) / strength))

    return Potential(
        conjugate=lambda z: float(strength * point(z).sum()),
        point=point,
        curvature=lambda z: point(z) / strength,
    )


def _certify(
    A: Array, b: Array, c: Array, columns: NDArray[np.intp], nu: Array, strength: float
) -> Reference:
    exponent = (extended_product(A[:, columns].T, nu) - c[columns]) / strength
    wide = np.exp(exponent)
    terms = wide * (c[columns] + strength * (exponent - 1.0))
    value = float(terms.sum())
    bound = float(b @ nu.astype(np.longdouble) - strength * wide.sum())
    x = spread(np.asarray(wide, dtype=np.float64), columns, c.size)
    missing = (b - extended_product(A, x)).astype(np.float64)
    return Reference(
        name="entropic",
        kind="entropic_program",
        norm="entropy",
        solution=x,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound, scale=float(np.abs(terms).sum())),
        dual=nu,
        unique=True,
        residual=relative_residual(missing, np.abs(A), b, x),
    )
