"""Linear programs with bounds on rows and variables, certified in their own numbers.

Minimise c.v subject to lower <= A v <= upper for rows and l <= v <= u for variables.  Solvers meet
constraints to absolute tolerances, which mean nothing where a side is a million times the
solution.  So HiGHS sees rows and columns scaled by powers of two, in units of v that the sides
suggest, one after the other, until a point and its multipliers are certified: each row's violation
relative to the row's own terms, each reduced cost to its column's own terms, in the numbers of the
program as given.  That no point exists, or none is best, is proved by a linear program too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optbench.errors import UserError
from optbench.references.arrays import Array, Pair, as_dense, extended_product
from optbench.references.certificate import CERTIFIED_GAP, Reference, relative_gap
from optbench.references.norm_linear import HIGHS_OPTIONS

_SWEEPS = 4  # of geometric scaling, over rows and columns
_AT_BOUND = 1e-9  # in units of the solution: a value this close to its bound is at it
_ROUNDING = 1e-13  # of the largest multiplier: below it one is zero
_POLISHED = 4_000_000  # entries of a vertex's equations above which they are not solved again


@dataclass(frozen=True)
class BoundedProgram:
    """Minimise c.v subject to row_lower <= A v <= row_upper and col_lower <= v <= col_upper.

    Parameters
    ----------
    A : scipy.sparse.csr_array, shape (m, n)
    c : ndarray, shape (n,)
    row_lower, row_upper : ndarray, shape (m,)
        Infinite where there is none.
    col_lower, col_upper : ndarray, shape (n,)
        Infinite where there is none; lower <= upper.
    """

    A: Any
    c: Array
    row_lower: Array
    row_upper: Array
    col_lower: Array
    col_upper: Array


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


def solve_bounded_program(program: BoundedProgram) -> Reference:
    """Solution of a linear program, with its certificate.

    Parameters
    ----------
    program : BoundedProgram

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
    rows, columns, scaled = _scaled(program)
    for unit in _units(scaled):
        for pair in _candidates(_in_unit(scaled, unit)):
            # Powers of two: these products are exact.
            point, multipliers = pair[0] * unit * columns, pair[1] * rows
            found = _certify(program, point, multipliers)
            if best is None or found.error < best.error:
                best = found
        if best is not None and best.error <= CERTIFIED_GAP:
            break
    return best


def _power_of_two(values: Any) -> Any:
    """Nearest powers of two, in ratio; 1 for what is zero or not finite."""
    usable = np.where(np.isfinite(values) & (values > 0), values, 1.0)
    return np.exp2(np.clip(np.rint(np.log2(usable)), -900, 900))


def _scaled(program: BoundedProgram) -> tuple[Array, Array, BoundedProgram]:
    """Scale rows and columns until their entries' smallest and largest straddle 1 (Fulkerson)."""
    from scipy.sparse import diags_array

    size = abs(program.A).tocoo()
    i, j = size.coords
    rows, columns = np.ones(program.A.shape[0]), np.ones(program.A.shape[1])
    for _ in range(_SWEEPS if size.nnz else 0):
        for axis, factors in ((i, rows), (j, columns)):
            entries = np.log2(size.data * rows[i] * columns[j])
            lowest, highest = np.full(factors.size, 2000.0), np.full(factors.size, -2000.0)
            np.minimum.at(lowest, axis, entries)
            np.maximum.at(highest, axis, entries)
            factors *= _power_of_two(np.exp2(-0.5 * (lowest + highest)))
    matrix = (diags_array(rows) @ program.A @ diags_array(columns)).tocsr()
    cost = program.c * columns
    cost /= _power_of_two(np.abs(cost).max(initial=0.0))
    scaled_program = BoundedProgram(
        matrix,
        cost,
        program.row_lower * rows,
        program.row_upper * rows,
        program.col_lower / columns,
        program.col_upper / columns,
    )
    return rows * _power_of_two(np.abs(program.c * columns).max(initial=0.0)), columns, scaled_program


def _units(program: BoundedProgram) -> list[float]:
    """Units of v to try: the median of the sides and bounds, then the least and the greatest."""
    sides = np.abs(
        np.concatenate(
            [program.row_lower, program.row_upper, program.col_lower, program.col_upper]
        )
    )
    sides = sides[np.isfinite(sides) & (sides > 0)]
    sizes = [1.0] if sides.size == 0 else [np.median(sides), sides.min(), sides.max(), 1.0]
    return list(dict.fromkeys(float(_power_of_two(size)) for size in sizes))


def _in_unit(program: BoundedProgram, unit: float) -> BoundedProgram:
    return replace(
        program,
        row_lower=program.row_lower / unit,
        row_upper=program.row_upper / unit,
        col_lower=program.col_lower / unit,
        col_upper=program.col_upper / unit,
    )


def _candidates(program: BoundedProgram) -> Iterator[Pair]:
    """HiGHS's point with its multipliers, the same vertex polished, and without its rounding."""
    pair = _highs(program)
    if pair is not None:
        yield pair
        yield from _polish(program, *pair)


def _highs(program: BoundedProgram) -> Pair | None:
    from scipy.optimize import linprog
    from scipy.sparse import vstack

    A, lower, upper = program.A, program.row_lower, program.row_upper
    equal = np.flatnonzero(lower == upper)
    below = np.flatnonzero(np.isfinite(upper) & (lower != upper))
    above = np.flatnonzero(np.isfinite(lower) & (lower != upper))
    inequalities = vstack([A[below], -A[above]]).tocsr()
    result = linprog(
        program.c,
        A_ub=inequalities,
        b_ub=np.concatenate([upper[below], -lower[above]]),
        A_eq=A[equal],
        b_eq=lower[equal],
        bounds=np.column_stack([program.col_lower, program.col_upper]),
        method="highs",
        options=HIGHS_OPTIONS,
    )
    if result.status != 0:
        return None
    multipliers = np.zeros(A.shape[0])
    multipliers[equal] = result.eqlin.marginals
    multipliers[below] += result.ineqlin.marginals[: below.size]
    multipliers[above] -= result.ineqlin.marginals[below.size :]
    return np.asarray(result.x, dtype=np.float64), multipliers


def _polish(program: BoundedProgram, point: Array, multipliers: Array) -> Iterator[Pair]:
    """Solve the equations of a vertex again, with residuals in extended precision."""
    from scipy.linalg import qr, solve_triangular

    lower, upper = program.col_lower, program.col_upper
    point = np.clip(point, lower, upper)
    at_lower, at_upper = _near(point, lower), _near(point, upper)
    point = np.where(at_lower, lower, np.where(at_upper, upper, point))
    activity = program.A @ point
    tight = _near(activity, program.row_lower) | _near(activity, program.row_upper)
    nearer = np.abs(activity - program.row_lower) <= np.abs(activity - program.row_upper)
    sides = np.where(nearer, program.row_lower, program.row_upper)[tight]
    free = np.flatnonzero(~(at_lower | at_upper))
    if free.size == 0 or not tight.any() or free.size * tight.sum() > _POLISHED:
        return
    rows = program.A[np.flatnonzero(tight)]
    vectors, triangle, pivots = qr(as_dense(rows[:, free]), mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(triangle))
    rank = int((diagonal > 1e-12 * diagonal[0]).sum())
    vectors, triangle, pivots = vectors[:, :rank], triangle[:rank, :rank], free[pivots[:rank]]
    multipliers = np.where(tight, multipliers, 0.0)
    for _ in range(3):
        missing = (sides - extended_product(rows, point)).astype(np.float64)
        point[pivots] += solve_triangular(triangle, vectors.T @ missing)
        reduced = program.c - extended_product(program.A.T.tocsr(), multipliers)
        step = solve_triangular(triangle, reduced[pivots].astype(np.float64), trans="T")
        multipliers[tight] += vectors @ step
    yield point, multipliers
    size = np.abs(multipliers).max()
    yield point, np.where(np.abs(multipliers) <= _ROUNDING * size, 0.0, multipliers)


def _near(values: Array, ends: Array) -> NDArray[np.bool_]:
    return np.abs(values - ends) <= _AT_BOUND * np.minimum(1.0 + np.abs(ends), 1e300)


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

    _, _, scaled = _scaled(program)
    m, n = scaled.A.shape
    found = _solve(
        replace(
            scaled,
            A=hstack([scaled.A, eye_array(m), -eye_array(m)]).tocsr(),
            c=np.concatenate([np.zeros(n), np.ones(2 * m)]),
            col_lower=np.concatenate([scaled.col_lower, np.zeros(2 * m)]),
            col_upper=np.concatenate([scaled.col_upper, np.full(2 * m, np.inf)]),
        )
    )
    return found is not None and found.dual <= CERTIFIED_GAP and found.bound > 1e-7 * found.size


def _is_unbounded(program: BoundedProgram) -> bool:
    """Whether the objective falls along a direction that no row or bound ends."""
    _, _, scaled = _scaled(program)

    def ends(values: Array, otherwise: float) -> Array:
        return np.where(np.isfinite(values), 0.0, otherwise)

    found = _solve(
        BoundedProgram(
            scaled.A,
            scaled.c,
            ends(scaled.row_lower, -np.inf),
            ends(scaled.row_upper, np.inf),
            ends(scaled.col_lower, -1.0),
            ends(scaled.col_upper, 1.0),
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
