"""Linear programs in standard form: min c.x, A x = b, x >= 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

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
from optbench.references.norm_linear import HIGHS_OPTIONS

_INFEASIBLE, _UNBOUNDED = 2, 3


@dataclass(frozen=True)
class OptimalityErrors:
    """How far x and y are from optimal for a linear program, each error relative.

    Parameters
    ----------
    primal : float
        Largest abs(A x - b) and largest negative part of x, relative to 1 + max abs(b).
    dual : float
        Largest negative part of the reduced costs c - A^T y, relative to 1 + max abs(c).
    complementarity : float
        Largest x_j (c - A^T y)_j relative to 1 + abs(c.x).
    """

    primal: float
    dual: float
    complementarity: float


def linear_program_errors(
    A: Matrix, b: ArrayLike, c: ArrayLike, x: ArrayLike, y: ArrayLike
) -> OptimalityErrors:
    """Optimality errors of a primal-dual pair of min c.x, A x = b, x >= 0.

    Parameters
    ----------
    A : array_like or scipy.sparse matrix, shape (m, d)
    b, c, x, y : array_like, shapes (m,), (d,), (d,), (m,)

    Returns
    -------
    OptimalityErrors
    """
    A, b, c = _standard_form(A, b, c)
    x, y = as_vector(x, c.size, "x"), as_vector(y, b.size, "y")
    reduced = c - extended_product(A.T, y)
    infeasible = max(np.abs(extended_product(A, x) - b).max(), (-x).max(), 0.0)
    return OptimalityErrors(
        primal=float(infeasible / (1.0 + np.abs(b).max())),
        dual=float(max((-reduced).max(), 0.0) / (1.0 + np.abs(c).max())),
        complementarity=float(np.abs(x * reduced).max() / (1.0 + abs(c @ x))),
    )


def solve_linear_program(A: Matrix, b: ArrayLike, c: ArrayLike) -> Reference:
    """Solution of min c.x subject to A x = b, x >= 0, by HiGHS, polished on its vertex.

    Parameters
    ----------
    A : array_like or scipy.sparse matrix, shape (m, d)
    b : array_like, shape (m,)
    c : array_like, shape (d,)

    Returns
    -------
    Reference
        `value` c.x, `bound` b.y, `dual` y with c - A^T y >= 0, `gap` relative to the size of the
        terms of c.x, `residual` the larger of the primal and dual infeasibilities. `unique` is
        True when the reduced costs prove it, else None.

    Raises
    ------
    UserError
        If the program is infeasible or unbounded.

    References
    ----------
    Huangfu and Hall 2018, doi:10.1007/s12532-017-0130-5 (HiGHS).
    """
    from scipy.optimize import linprog

    A, b, c = _standard_form(A, b, c)
    result = linprog(c, A_eq=A, b_eq=b, bounds=(0, None), method="highs", options=HIGHS_OPTIONS)
    if result.status == _INFEASIBLE:
        raise UserError("the linear program is infeasible: no x >= 0 has A x = b")
    if result.status == _UNBOUNDED:
        raise UserError(
            "the linear program is unbounded: c.x decreases for ever on A x = b, x >= 0"
        )
    if result.status != 0:
        raise UserError(f"the linear program was not solved: {result.message.splitlines()[0]}")
    raw = np.maximum(result.x, 0.0), result.eqlin.marginals
    candidates = [_certify(A, b, c, *pair) for pair in (raw, _polish(A, b, c, *raw))]
    return min(candidates, key=lambda reference: reference.gap + reference.residual)


def nonnegative_cost(A: Matrix, c: ArrayLike) -> Array:
    """Return c + A^T nu >= 0 for some nu: the same solutions, and a start exp(-c) <= 1.

    Parameters
    ----------
    A : array_like or scipy.sparse matrix, shape (m, d)
    c : array_like, shape (d,)

    Returns
    -------
    ndarray, shape (d,)
        c itself when it is not negative.

    Raises
    ------
    UserError
        When there is no such nu: the program is unbounded.
    """
    A = as_matrix(A, "A")
    c = as_vector(c, A.shape[1], "c")
    if np.all(c >= 0):
        return c
    from scipy.optimize import linprog

    # The shift of least total cost change: any dual feasible point would do.
    rows = A.shape[0]
    result = linprog(
        np.zeros(rows), A_ub=-A.T, b_ub=c, bounds=[(None, None)] * rows, method="highs"
    )
    if result.x is None:
        raise UserError("linear_program: the program is unbounded (its dual has no feasible point)")
    return np.asarray(np.maximum(c + A.T @ result.x, 0.0), dtype=np.float64)


def _standard_form(A: Matrix, b: ArrayLike, c: ArrayLike) -> tuple[Matrix, Array, Array]:
    A = as_matrix(A, "A")
    return A, as_vector(b, A.shape[0], "b"), as_vector(c, A.shape[1], "c")


def _polish(A: Matrix, b: Array, c: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Solve the equations of the basic columns again with residuals in extended precision."""
    basic = np.flatnonzero(x > 1e-9 * x.max(initial=0.0))
    if basic.size == 0:
        return x, y
    columns = as_dense(A[:, basic])
    inverse = np.linalg.pinv(columns, rcond=1e-13)
    x, y = x.copy(), y.copy()
    for _ in range(2):
        x[basic] += inverse @ (b - extended_product(A, x)).astype(np.float64)
        y += inverse.T @ (c[basic] - extended_product(columns.T, y)).astype(np.float64)
    return np.maximum(x, 0.0), y


def _certify(A: Matrix, b: Array, c: Array, x: Array, y: Array) -> Reference:
    errors = linear_program_errors(A, b, c, x, y)
    value, bound = float(c @ x), float(b @ y)
    gap = relative_gap(value, bound, scale=float(np.abs(c * x).sum()))
    return Reference(
        name="vertex",
        kind="linear_program",
        norm=None,
        solution=x,
        value=value,
        bound=bound,
        gap=gap,
        dual=y,
        unique=_proved_unique(A, c, y),
        residual=max(errors.primal, errors.dual),
    )


def _proved_unique(A: Matrix, c: Array, y: Array) -> bool | None:
    """True if the columns of zero reduced cost are independent (Mangasarian 1979)."""
    candidates = np.flatnonzero(c - A.T @ y <= 1e-9 * (1.0 + np.abs(c).max()))
    if candidates.size > A.shape[0]:
        return None
    columns = as_dense(A[:, candidates]) if candidates.size else np.zeros((1, 0))
    independent = np.linalg.matrix_rank(columns, tol=1e-10) == candidates.size
    return True if independent else None
