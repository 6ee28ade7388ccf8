"""Linear programs with bounds on rows and variables, certified in their own numbers.

Minimise c.v subject to lower <= A v <= upper for rows and l <= v <= u for variables.  An answer is
certified when each row's violation is small relative to the row's own terms, each reduced cost to
its column's own terms, and the duality gap to the objective's, in the numbers of the program as
given.  That no point exists, or none is best, is proved by another linear program.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import Array, Matrix, as_dense, as_vector, extended_product
from optbench.references.certificate import CERTIFIED_GAP, Reference, relative_gap
from optbench.references.scaled_program import BoundedProgram, candidates, scaled

_SETTLED = 1e-10  # error at which no better answer is looked for


@dataclass(frozen=True)
class _Certificate:
    """A point and multipliers, moved within their bounds, and how far from optimal they are."""

    point: Array
    multipliers: Array
    primal: float
    dual: float
    value: float
    bound: float
    size: float  # of the terms of value and bound

    @property
    def gap(self) -> float:
        return relative_gap(self.value, self.bound, scale=self.size)

    @property
    def error(self) -> float:
        return max(self.primal, self.dual, self.gap)


def solve_bounded_program(
    A: Matrix,
    c: ArrayLike,
    row_lower: Array,
    row_upper: Array,
    col_lower: Array,
    col_upper: Array,
) -> Reference:
    """Solution of min c.v, row_lower <= A v <= row_upper, col_lower <= v <= col_upper.

    Parameters
    ----------
    A : array_like or scipy.sparse matrix, shape (m, n)
        m may be 0.
    c : array_like, shape (n,)
    row_lower, row_upper : ndarray, shape (m,)
        Infinite where there is none.
    col_lower, col_upper : ndarray, shape (n,)
        Infinite where there is none; lower <= upper.

    Returns
    -------
    Reference
        `solution` v, `value` c.v, `bound` the dual value, `dual` the multipliers of the rows
        (positive at lower sides), `residual` the larger of the primal and dual violations, each
        relative to its row's or column's own largest term. `unique` is True when the multipliers
        prove it, else None.

    Raises
    ------
    UserError
        If the program is infeasible, unbounded, or could not be certified.

    References
    ----------
    Huangfu and Hall 2018, doi:10.1007/s12532-017-0130-5 (HiGHS); Oettli and Prager 1964,
    doi:10.1007/BF01386090 (errors relative to a row's own terms).
    """
    from scipy.sparse import csr_array

    matrix = csr_array(A, dtype=np.float64)
    c = as_vector(c, matrix.shape[1], "c")
    program = BoundedProgram(matrix, c, row_lower, row_upper, col_lower, col_upper)
    best = _solve(program)
    if best is None or best.error > CERTIFIED_GAP:
        if _is_infeasible(program):
            raise UserError("the linear program is infeasible: no point meets all constraints")
        if _is_unbounded(program):
            raise UserError("the linear program is unbounded: the objective improves for ever")
        why = "HiGHS found no solution"
        if best is not None:
            why = f"errors: rows {best.primal:.1g}, costs {best.dual:.1g}, gap {best.gap:.1g}"
        raise UserError(f"the linear program could not be solved to a certificate ({why})")
    return Reference(
        name="vertex",
        kind="linear_program",
        norm=None,
        solution=best.point,
        value=best.value,
        bound=best.bound,
        gap=best.gap,
        dual=best.multipliers,
        unique=_proved_unique(program, best),
        residual=max(best.primal, best.dual),
    )


def _solve(program: BoundedProgram) -> _Certificate | None:
    """Return the first certified answer, else the one nearest to a certificate."""
    best = None
    for pair in candidates(program):
        found = _certify(program, *pair)
        if best is None or found.error < best.error:
            best = found
        if best.error <= _SETTLED:
            break
    return best


def _certify(program: BoundedProgram, point: Array, multipliers: Array) -> _Certificate:
    """Measure a pair; a multiplier of a side that is not there, or against its sign, is dropped."""
    A, columns = program.A, program.A.T.tocsr()
    point = np.clip(point, program.col_lower, program.col_upper)
    multipliers = np.clip(
        multipliers,
        np.where(np.isfinite(program.row_upper), -np.inf, 0.0),
        np.where(np.isfinite(program.row_lower), np.inf, 0.0),
    )
    values = extended_product(A, point)
    below, above = program.row_lower - values, values - program.row_upper
    missed = np.maximum(np.maximum(below, above), 0.0)
    side = np.where(below > above, program.row_lower, program.row_upper)
    terms = np.maximum(_largest_terms(A, point), np.where(missed > 0.0, np.abs(side), 0.0))
    reduced = (program.c - extended_product(columns, multipliers)).astype(np.float64)
    own = np.maximum(np.abs(program.c), _largest_terms(columns, multipliers))
    bound_of = np.where(reduced > 0.0, program.col_lower, program.col_upper)
    # What is rounding in its own terms is an error of the cost, and not a price of a far bound.
    dropped = ~np.isfinite(bound_of) | ((point != bound_of) & (np.abs(reduced) <= 1e-9 * own))
    prices = np.where(dropped, 0.0, reduced)
    sides = np.where(multipliers > 0.0, program.row_lower, program.row_upper)
    paid = np.concatenate([_products(multipliers, sides), _products(prices, bound_of)])
    earned = program.c * point
    return _Certificate(
        point=point,
        multipliers=multipliers,
        primal=_largest_ratio(missed, terms),
        dual=_largest_ratio(np.where(dropped, np.abs(reduced), 0.0), own),
        value=float(earned.sum()),
        bound=float(paid.sum()),
        size=float(max(np.abs(earned).sum(), np.abs(paid).max(initial=0.0))),
    )


def _largest_terms(matrix: Any, vector: Array) -> Array:
    """Largest abs(a_ij v_j) of each row."""
    largest = np.zeros(matrix.shape[0])
    row = np.repeat(np.arange(largest.size), np.diff(matrix.indptr))
    np.maximum.at(largest, row, np.abs(matrix.data * vector[matrix.indices]))
    return largest


def _largest_ratio(errors: Any, terms: Array) -> float:
    tiny = float(np.finfo(np.float64).tiny)
    return float(np.max(errors / np.maximum(terms, tiny), initial=0.0))


def _products(factors: Array, ends: Array) -> Array:
    """Products with bounds that may be infinite where the factor is zero."""
    return np.asarray(factors * np.where(factors == 0.0, 0.0, ends))


def _is_infeasible(program: BoundedProgram) -> bool:
    """Whether the least sum of violations, of scaled rows, is proved to be positive."""
    from scipy.sparse import eye_array, hstack

    _, _, own = scaled(program)
    m, n = own.A.shape
    found = _solve(
        replace(
            own,
            A=hstack([own.A, eye_array(m), -eye_array(m)]).tocsr(),
            c=np.concatenate([np.zeros(n), np.ones(2 * m)]),
            col_lower=np.concatenate([own.col_lower, np.zeros(2 * m)]),
            col_upper=np.concatenate([own.col_upper, np.full(2 * m, np.inf)]),
        )
    )
    return found is not None and found.dual <= CERTIFIED_GAP and found.bound > 1e-7 * found.size


def _is_unbounded(program: BoundedProgram) -> bool:
    """Whether the objective falls along a direction that no row or bound ends."""
    _, _, own = scaled(program)

    def ends(values: Array, otherwise: float) -> Array:
        return np.where(np.isfinite(values), 0.0, otherwise)

    found = _solve(
        BoundedProgram(
            own.A,
            own.c,
            ends(own.row_lower, -np.inf),
            ends(own.row_upper, np.inf),
            ends(own.col_lower, -1.0),
            ends(own.col_upper, 1.0),
        )
    )
    return found is not None and found.primal <= CERTIFIED_GAP and found.value < -1e-7 * found.size


def _proved_unique(program: BoundedProgram, best: _Certificate) -> bool | None:
    """True if the columns of zero reduced cost are independent in the rows that must stay tight.

    Mangasarian 1979, doi:10.1016/0024-3795(79)90012-4.
    """
    reduced = program.c - program.A.T @ best.multipliers
    own = np.maximum(np.abs(program.c), _largest_terms(program.A.T.tocsr(), best.multipliers))
    fixed = program.col_lower == program.col_upper
    free = np.flatnonzero((np.abs(reduced) <= 1e-9 * own) & ~fixed)
    tight = (program.row_lower == program.row_upper) | (best.multipliers != 0.0)
    if free.size == 0:
        return True
    if free.size > tight.sum():
        return None
    columns = as_dense(program.A[np.flatnonzero(tight)][:, free])
    columns /= np.maximum(np.abs(columns).max(axis=0), 1e-300)
    return True if np.linalg.matrix_rank(columns, tol=1e-10) == free.size else None
