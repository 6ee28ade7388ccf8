"""Standard form of a linear program: minimize c.x subject to A x = b, x >= 0.

An original variable v with bounds l <= v <= u is written with non-negative ones:

    l finite            v = l + x       (u finite too: a row  v <= u)
    only u finite       v = u - x
    free                v = x+ - x-
    l = u               v = l           (no variable left)

and a row l <= a.v <= u gets slacks: a.v + s = u, or a.v - s = l, or both with s + t = u - l.

Entropy has no scale of its own, so an optimal v sets the units.  x is measured in the power of two
next to the largest x of the optimum: solutions are of order one, whatever the size of sides and
bounds that do not matter there.  Each row is divided by the power of two above its largest number,
side included, and its slack is measured in the divided row: the slack of a side a million times
the solution is 1, and not a million, and moves the solution of an entropic program by a millionth.
A bound as far away is no origin for v, which would lose digits: it is written as a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optbench.data.dataset import Vector
from optbench.data.general_program import GeneralProgram
from optbench.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FAR = 2.0**10  # times the largest variable: a bound beyond is no origin


@dataclass(frozen=True)
class StandardForm:
    """Minimize c.x subject to A x = b, x >= 0, with the way back to the original variables.

    Parameters
    ----------
    name : str
        Short name, as shown in tables.
    A : scipy.sparse.csr_array, shape (m, n), float64
        Constraints, no empty rows; at most 1 in size.
    b : ndarray, shape (m,), float64
        Right-hand side, of any sign; at most 1 in size.
    c : ndarray, shape (n,), float64
        Objective to minimize, in the program's own units.
    offset : float
        The original objective is ``sign * c.x + offset``.
    sign : float
        1 for an original minimization, -1 for a maximization.
    substitution : scipy.sparse.csr_array, shape (original variables, n)
        The original variables are ``shift + substitution @ x``.
    shift : ndarray, shape (original variables,), float64
        See ``substitution``.
    optimum : ndarray, shape (n,), float64
        The optimal point from which the units were taken.
    """

    name: str
    A: csr_array
    b: Vector
    c: Vector
    offset: float
    sign: float
    substitution: csr_array
    shift: Vector
    optimum: Vector

    @property
    def one_to_one(self) -> bool:
        """Whether no variable is the difference of two."""
        return bool(abs(self.substitution).sum(axis=1).max() <= abs(self.substitution).max())

    def recover(self, x: Vector) -> Vector:
        """Original variables at a point of the standard form.

        Parameters
        ----------
        x : ndarray, shape (n,)

        Returns
        -------
        ndarray, shape (original variables,), float64
        """
        original: Vector = self.shift + self.substitution @ x
        return original

    def objective(self, x: Vector) -> float:
        """Original objective, in its own sense and with its constant, at x of shape (n,)."""
        return float(self.sign * (self.c @ x) + self.offset)


def to_standard_form(program: GeneralProgram, optimum: Vector) -> StandardForm:
    """Rewrite a general program as minimize c.x subject to A x = b, x >= 0.

    Parameters
    ----------
    program : GeneralProgram
        Feasible.
    optimum : ndarray, shape (variables,)
        An optimal point: it sets the units.

    Returns
    -------
    StandardForm
        Columns: the substituted variables first, then the slacks.

    Raises
    ------
    UserError
        If no variable remains, or none has a bound or a row.
    """
    bounds = _Bounds(program, optimum)
    variables, shift = bounds.substitution()
    points = variables.T @ (optimum - shift)
    points = np.maximum(points, 0.0)
    unit = float(_power_of_two(points.max(initial=0.0) or bounds.size))
    variables = variables * unit
    rows, lower, upper = bounds.rows(variables, shift)
    if rows.shape[0] == 0:
        raise UserError(f"{program.name}: no variable has a bound or a row; nothing to optimize")
    matrix, b, slacks = _with_slacks(rows, lower, upper, points / unit)
    sign = 1.0 if program.sense == "minimize" else -1.0
    c = np.zeros(matrix.shape[1])
    c[: points.size] = sign * (program.c @ variables)
    # The slacks do not enter the original variables.
    variables.resize(program.c.size, c.size)
    offset = program.offset + float(program.c @ shift)
    found = np.concatenate([points / unit, slacks])
    return StandardForm(program.name, matrix, b, c, offset, sign, variables, shift, found)


class _Bounds:
    """What becomes of each variable's bounds: one is its origin, the others are rows."""

    def __init__(self, program: GeneralProgram, optimum: Vector) -> None:
        self.program = program
        lower, upper = program.col_lower, program.col_upper
        sides = np.abs([*lower, *upper, *program.row_lower, *program.row_upper])
        sides = sides[np.isfinite(sides) & (sides > 0.0)]
        self.size = float(np.abs(optimum).max()) or float(sides.min(initial=1.0))
        self.fixed = lower == upper
        if self.fixed.all():
            raise UserError(f"{program.name}: every variable is fixed; nothing to optimize")
        limited = np.isfinite(program.row_lower) | np.isfinite(program.row_upper)
        varying = abs(program.A) @ (~self.fixed).astype(float) > 0.0
        self.kept = np.flatnonzero(limited & varying)
        # Without any row the bounds are the rows, and zero is the origin.
        alone = self.kept.size == 0
        near = np.inf if alone else FAR * self.size
        self.at_lower = (np.abs(lower) <= near) & np.isfinite(lower) & (~alone | (lower >= 0.0))
        self.at_upper = (np.abs(upper) <= near) & np.isfinite(upper) & (~alone | (upper <= 0.0))
        self.at_upper &= ~self.at_lower
        self.origin = np.where(self.at_lower, lower, np.where(self.at_upper, upper, 0.0))
        if alone:
            self.origin = np.where(self.fixed, lower, 0.0)
        self.row_lower = np.where(self.at_lower & (not alone), -np.inf, lower)
        self.row_upper = np.where(self.at_upper & (not alone), np.inf, upper)

    def substitution(self) -> tuple[csr_array, Vector]:
        """Matrix and shift with v = shift + matrix @ x for non-negative x."""
        from scipy.sparse import csr_array

        shift = np.where(self.fixed, self.program.col_lower, self.origin)
        varying = np.flatnonzero(~self.fixed)
        free = np.flatnonzero(~self.fixed & ~self.at_lower & ~self.at_upper)
        signs = np.where(self.at_upper, -1.0, 1.0)[varying]
        entries = np.concatenate([signs, np.full(free.size, -1.0)])
        position = (np.concatenate([varying, free]), np.arange(entries.size))
        return csr_array((entries, position), shape=(shift.size, entries.size)), shift

    def rows(self, variables: csr_array, shift: Vector) -> tuple[csr_array, Vector, Vector]:
        """Rows and their sides on the substituted variables, bounds as rows among them."""
        from scipy import sparse

        program = self.program
        limited = np.isfinite(self.row_lower) | np.isfinite(self.row_upper)
        boxed = np.flatnonzero(limited & ~self.fixed)
        rows = sparse.vstack([program.A[self.kept], sparse.eye_array(shift.size).tocsr()[boxed]])
        constant = rows @ shift
        lower = np.concatenate([program.row_lower[self.kept], self.row_lower[boxed]]) - constant
        upper = np.concatenate([program.row_upper[self.kept], self.row_upper[boxed]]) - constant
        return (rows @ variables).tocsr(), lower, upper


def _with_slacks(
    rows: csr_array, lower: Vector, upper: Vector, x: Vector
) -> tuple[csr_array, Vector, Vector]:
    """Equalities for lower <= rows x <= upper, their right side, and the slacks at x.

    They are [[rows, S, 0], [0, P, I]]: the nearer side first, P for rows with two sides.
    """
    from scipy import sparse

    at_upper = np.abs(upper) <= np.abs(lower)
    b = np.where(at_upper, upper, lower)
    factors = _divisors(np.maximum(abs(rows).max(axis=1).toarray().ravel(), np.abs(b)))
    rows, b = (sparse.diags_array(factors) @ rows).tocsr(), b * factors
    slack = np.flatnonzero(lower != upper)
    signs = np.where(at_upper, 1.0, -1.0)[slack]
    slacks = sparse.csr_array((signs, (slack, np.arange(slack.size))), (b.size, slack.size))
    values = np.maximum(signs * (b - rows @ x)[slack], 0.0)
    ranges = np.flatnonzero(np.isfinite(lower[slack]) & np.isfinite(upper[slack]))
    width = ((upper - lower) * factors)[slack][ranges]
    narrow = _divisors(np.maximum(width, 1.0))
    partners = sparse.csr_array(
        (narrow, (np.arange(ranges.size), ranges)), (ranges.size, slack.size)
    )
    blocks = [[rows, slacks, None], [None, partners, sparse.eye_array(ranges.size)]]
    rest = np.maximum(width * narrow - values[ranges] * narrow, 0.0)
    matrix = sparse.block_array(blocks, format="csr")
    return matrix, np.concatenate([b, width * narrow]), np.concatenate([values, rest])


def _divisors(sizes: Vector) -> Vector:
    """Powers of two that bring sizes into (1/2, 1]."""
    return np.exp2(-np.ceil(np.log2(sizes)))


def _power_of_two(size: float) -> NDArray[np.float64]:
    return np.asarray(np.exp2(np.rint(np.log2(size))))
