"""Linear programs in standard form: min c.x, A x = b, x >= 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optbench.references.arrays import (
    Array,
    Matrix,
    as_matrix,
    as_vector,
    extended_product,
)
from optbench.references.bounded_program import solve_bounded_program
from optbench.references.certificate import Reference


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
    """Solution of min c.x subject to A x = b, x >= 0: a vertex, polished to rounding.

    Parameters
    ----------
    A : array_like or scipy.sparse matrix, shape (m, d)
    b : array_like, shape (m,)
    c : array_like, shape (d,)

    Returns
    -------
    Reference
        As of :func:`optbench.references.solve_bounded_program`: `value` c.x, `bound` b.y, `dual` y
        with c - A^T y >= 0.

    Raises
    ------
    UserError
        If the program is infeasible, unbounded, or could not be certified.
    """
    A, b, c = _standard_form(A, b, c)
    return solve_bounded_program(A, c, b, b, np.zeros(c.size), np.full(c.size, np.inf))


def nonnegative_cost(A: Matrix, c: ArrayLike) -> Array:
    """Return c + A^T nu >= 0 for some nu: the same solutions, and a start exp(-c) <= 1.

    Parameters
    ----------
    A : array_like or scipy.sparse matrix, shape (m, d)
    c : array_like, shape (d,)

    Returns
    -------
    ndarray, shape (d,)
        c itself when it is not negative, else the one of least sum.

    Raises
    ------
    UserError
        When there is no such nu: the program is unbounded.
    """
    A = as_matrix(A, "A")
    c = as_vector(c, A.shape[1], "c")
    if np.all(c >= 0):
        return c
    # -nu solves the dual of min c.x, A x = A 1, x >= 0, which x = 1 makes feasible.
    dual = solve_linear_program(A, A @ np.ones(c.size), c).dual
    return np.asarray(np.maximum(c - extended_product(A.T, dual), 0.0), dtype=np.float64)


def _standard_form(A: Matrix, b: ArrayLike, c: ArrayLike) -> tuple[Matrix, Array, Array]:
    A = as_matrix(A, "A")
    return A, as_vector(b, A.shape[0], "b"), as_vector(c, A.shape[1], "c")
