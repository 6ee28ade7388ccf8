"""Entropically regularised linear programs."""

from __future__ import annotations

from dataclasses import replace

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
)
from optbench.references.certificate import Reference, relative_gap
from optbench.references.dual_newton import Potential, dual_value, maximize_dual
from optbench.references.linear_program import solve_linear_program


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
        feasible x), `residual` the largest abs(A x - b) relative to abs(b).

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
    solve_linear_program(A, b, np.ones_like(c))  # raises if there is no feasible x
    free = _positive_somewhere(A, b)
    if not free.all():  # the others are zero in every feasible x, where the dual has no maximum
        reduced = _solve(A[:, free], b, c[free], strength)
        solution = np.zeros_like(c)
        solution[free] = reduced.solution
        return replace(reduced, solution=solution)
    return _solve(A, b, c, strength)


def _positive_somewhere(A: Array, b: Array) -> NDArray[np.bool_]:
    """Columns that are positive in some x >= 0 with A x = b, from one linear program.

    max sum t subject to A (t + r) = s b, 0 <= t <= 1, r >= 0, s >= 1: a feasible x scaled by s.
    """
    from scipy.optimize import linprog

    rows, columns = A.shape
    result = linprog(
        np.concatenate([-np.ones(columns), np.zeros(columns + 1)]),
        A_eq=np.hstack([A, A, -b[:, None]]),
        b_eq=np.zeros(rows),
        bounds=[(0.0, 1.0)] * columns + [(0.0, None)] * columns + [(1.0, None)],
        method="highs",
    )
    if result.x is None:
        return np.ones(columns, dtype=bool)
    return np.asarray(result.x[:columns] > 0.5)


def _solve(A: Array, b: Array, c: Array, strength: float) -> Reference:
    """Follow the solution from a large strength to the one asked for."""
    top = max(strength, np.ptp(c), np.abs(c).max())
    count = int(np.ceil(2.0 * np.log2(top / strength))) + 1
    path = np.geomspace(top, strength, count)
    nu = np.zeros_like(b)
    x = np.full(c.size, max(np.abs(b).max() / np.abs(A).sum(axis=1).max(), 1e-300))
    for current in path:
        # the multipliers under which x, the previous point, would be the solution
        root = np.sqrt(x)
        target = (c + current * np.log(np.maximum(x, 1e-300))) * root
        predicted = np.linalg.lstsq(root[:, None] * A.T, target)[0]
        potential = _potential(c, current)
        if dual_value(A, b, predicted, potential) > dual_value(A, b, nu, potential):
            nu = predicted  # else it overflows: coordinates near zero leave some of nu free
        nu = maximize_dual(A, b, nu, potential)
        x = np.exp((A.T @ nu - c) / current)
    return _certify(A, b, c, nu, strength)


def _potential(c: Array, strength: float) -> Potential:
    def point(z: Array) -> Array:
        with np.errstate(over="ignore"):  # a step too long: its value is -inf and it is halved
            return np.asarray(np.exp((z - c) / strength))

    return Potential(
        conjugate=lambda z: float(strength * point(z).sum()),
        point=point,
        curvature=lambda z: point(z) / strength,
    )


def _certify(A: Array, b: Array, c: Array, nu: Array, strength: float) -> Reference:
    exponent = (extended_product(A.T, nu) - c) / strength
    wide = np.exp(exponent)
    terms = wide * (c + strength * (exponent - 1.0))
    value = float(terms.sum())
    bound = float(b @ nu.astype(np.longdouble) - strength * wide.sum())
    x = np.asarray(wide, dtype=np.float64)
    residual = np.abs(extended_product(A, x) - b).max() / (np.abs(b).max() or 1.0)
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
        residual=float(residual),
    )
