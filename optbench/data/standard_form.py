"""Standard form of a linear program: minimize c.x subject to A x = b, x >= 0.

An original variable v with bounds l <= v <= u is written with non-negative ones:

    l finite            v = l + x       (u finite too: an extra row  x + s = u - l)
    only u finite       v = u - x
    free                v = x+ - x-
    l = u               v = l           (no variable left)

and a row l <= a.v <= u gets slacks: a.v + s = u, or a.v - s = l, or both with s + t = u - l.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optbench.data.dataset import Vector
from optbench.data.general_program import GeneralProgram
from optbench.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Fixed variables are substituted in floating point: an empty row may miss by rounding.
EMPTY_ROW_TOLERANCE = 1e-9


@dataclass(frozen=True)
class StandardForm:
    """Minimize c.x subject to A x = b, x >= 0, with the way back to the original variables.

    Parameters
    ----------
    name : str
        Short name, as shown in tables.
    A : scipy.sparse.csr_array, shape (m, n), float64
        Constraints, no empty rows.
    b : ndarray, shape (m,), float64
        Right-hand side, of any sign.
    c : ndarray, shape (n,), float64
        Objective to minimize.
    offset : float
        The original objective is ``sign * c.x + offset``.
    sign : float
        1 for an original minimization, -1 for a maximization.
    substitution : scipy.sparse.csr_array, shape (original variables, n)
        The original variables are ``shift + substitution @ x``.
    shift : ndarray, shape (original variables,), float64
        See ``substitution``.
    """

    name: str
    A: csr_array
    b: Vector
    c: Vector
    offset: float
    sign: float
    substitution: csr_array
    shift: Vector

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


def to_standard_form(program: GeneralProgram) -> StandardForm:
    """Rewrite a general program as minimize c.x subject to A x = b, x >= 0.

    Parameters
    ----------
    program : GeneralProgram
        Any bounds; a contradiction between bounds makes the standard form infeasible too.

    Returns
    -------
    StandardForm
        Columns: the substituted variables first, then the slacks.

    Raises
    ------
    UserError
        If a row without variables cannot hold, or no variable remains.
    """
    substitution, shift = _substitution(program)
    sign = 1.0 if program.sense == "minimize" else -1.0
    rows, lower, upper = _rows(program, substitution, shift)
    matrix, b = _with_slacks(rows, lower, upper)
    c = np.zeros(matrix.shape[1])
    c[: substitution.shape[1]] = sign * (program.c @ substitution)
    # The slacks do not enter the original variables.
    substitution.resize(program.c.size, c.size)
    offset = program.offset + float(program.c @ shift)
    return StandardForm(program.name, matrix, b, c, offset, sign, substitution, shift)


def _substitution(program: GeneralProgram) -> tuple[csr_array, Vector]:
    """Matrix and shift with v = shift + matrix @ x for non-negative x."""
    from scipy.sparse import csr_array

    has_lower, has_upper = np.isfinite(program.col_lower), np.isfinite(program.col_upper)
    shift = np.where(has_lower, program.col_lower, np.where(has_upper, program.col_upper, 0.0))
    varying = np.flatnonzero(program.col_lower != program.col_upper)
    if varying.size == 0:
        raise UserError(f"{program.name}: every variable is fixed; nothing to optimize")
    free = np.flatnonzero(~has_lower & ~has_upper)
    signs = np.where(~has_lower & has_upper, -1.0, 1.0)[varying]
    entries = np.concatenate([signs, np.full(free.size, -1.0)])
    position = (np.concatenate([varying, free]), np.arange(entries.size))
    return csr_array((entries, position), shape=(shift.size, entries.size)), shift


def _rows(
    program: GeneralProgram, substitution: csr_array, shift: Vector
) -> tuple[csr_array, Vector, Vector]:
    """Rows and their bounds on the substituted variables, with one row per upper bound."""
    from scipy import sparse

    matrix = (program.A @ substitution).tocsr()
    matrix.eliminate_zeros()
    constant = program.A @ shift
    lower, upper = program.row_lower - constant, program.row_upper - constant
    bounded = np.isfinite(lower) | np.isfinite(upper)
    empty = np.diff(matrix.indptr) == 0
    rounding = EMPTY_ROW_TOLERANCE * (1.0 + abs(program.A) @ np.abs(shift))
    violated = np.flatnonzero(empty & ((lower > rounding) | (upper < -rounding)))
    if violated.size:
        row = violated[0]
        raise UserError(
            f"{program.name}: row {program.row_names[row]} has the constant value "
            f"{constant[row]:g} outside its bounds [{program.row_lower[row]:g}, "
            f"{program.row_upper[row]:g}]; the program is infeasible"
        )
    kept = np.flatnonzero(bounded & ~empty)
    boxed = np.flatnonzero(
        np.isfinite(program.col_lower)
        & np.isfinite(program.col_upper)
        & (program.col_lower != program.col_upper)
    )
    width = (program.col_upper - program.col_lower)[boxed]
    # For a boxed variable, v = l + x: its row of the substitution is the unit row of x.
    rows = sparse.vstack([matrix[kept], substitution[boxed]], format="csr")
    lower = np.concatenate([lower[kept], np.full(boxed.size, -np.inf)])
    return rows, lower, np.concatenate([upper[kept], width])


def _with_slacks(rows: csr_array, lower: Vector, upper: Vector) -> tuple[csr_array, Vector]:
    """Equalities for lower <= rows x <= upper: [[rows, S, 0], [0, P, I]] and their right side."""
    from scipy import sparse

    slack = np.flatnonzero(lower != upper)
    has_upper = np.isfinite(upper)
    signs = np.where(has_upper, 1.0, -1.0)[slack]
    slacks = sparse.csr_array(
        (signs, (slack, np.arange(slack.size))), shape=(rows.shape[0], slack.size)
    )
    ranges = np.flatnonzero(np.isfinite(lower[slack]) & has_upper[slack])
    partners = sparse.csr_array(
        (np.ones(ranges.size), (np.arange(ranges.size), ranges)), shape=(ranges.size, slack.size)
    )
    blocks = [[rows, slacks, None], [None, partners, sparse.eye_array(ranges.size)]]
    width = (upper - lower)[slack][ranges]
    b = np.concatenate([np.where(has_upper, upper, lower), width])
    return sparse.block_array(blocks, format="csr"), b
