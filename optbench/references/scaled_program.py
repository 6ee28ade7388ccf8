"""Candidates for the answer of a bounded linear program, by HiGHS on well scaled numbers.

Solvers meet constraints to absolute tolerances, which mean nothing where a side is a million times
the solution.  So rows and columns are scaled by powers of two, which are undone exactly, and the
point is measured in units that the sides suggest, one after the other.  Each answer is polished on
its vertex, and the program is solved again for what is missing, seen enlarged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optbench.references.arrays import Array, Pair, as_dense, extended_product, spread
from optbench.references.norm_linear import HIGHS_OPTIONS

_SWEEPS = 4  # of geometric scaling, over rows and columns
_AT_BOUND = 1e-9  # in units of the solution: a value this close to its bound is at it
_ROUNDING = (0.0, 1e-13)  # of the largest multiplier: what might be zero
_ZOOM, _ZOOMS = 2.0**20, 3
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


def candidates(program: BoundedProgram) -> Iterator[Pair]:
    """Points v and row multipliers that might be optimal, the best first.

    Parameters
    ----------
    program : BoundedProgram

    Yields
    ------
    point, multipliers : ndarray, shapes (n,) and (m,)
        In the numbers of the program as given.
    """
    rows, columns, own = scaled(program)
    for unit in _units(own):
        for point, multipliers in _answers(_in_unit(own, unit)):
            yield point * unit * columns, multipliers * rows  # powers of two: exact


def _power_of_two(values: Any) -> Any:
    """Nearest powers of two, in ratio; 1 for what is zero or not finite."""
    usable = np.where(np.isfinite(values) & (values > 0), values, 1.0)
    return np.exp2(np.clip(np.rint(np.log2(usable)), -900, 900))


def scaled(program: BoundedProgram) -> tuple[Array, Array, BoundedProgram]:
    """Scale rows and columns until their smallest and largest entries lie around 1.

    Returns
    -------
    multiplier_factors, point_factors : ndarray, shapes (m,) and (n,)
        Powers of two that lead back from the answers of the scaled program.
    scaled : BoundedProgram
    """
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
    cost_unit = _power_of_two(np.abs(program.c * columns).max(initial=0.0))
    scaled_program = BoundedProgram(
        matrix,
        program.c * columns / cost_unit,
        program.row_lower * rows,
        program.row_upper * rows,
        program.col_lower / columns,
        program.col_upper / columns,
    )
    return rows * cost_unit, columns, scaled_program


def _units(program: BoundedProgram) -> list[float]:
    """Units of v to try: the median of the sides and bounds, then the least and the greatest."""
    sides = np.abs(
        np.concatenate([program.row_lower, program.row_upper, program.col_lower, program.col_upper])
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


def _answers(program: BoundedProgram) -> Iterator[Pair]:
    """HiGHS's vertex polished, as it is, and after each zoom into its errors."""
    pair = _highs(program, np.zeros_like(program.c), np.zeros_like(program.row_lower), 1.0)
    for _ in range(_ZOOMS):
        if pair is None:
            return
        yield from _polish(program, *pair)
        yield pair
        pair = _highs(program, *pair, _ZOOM)


def _highs(program: BoundedProgram, point: Array, multipliers: Array, zoom: float) -> Pair | None:
    """Add to a point and multipliers what HiGHS finds to be missing, seen enlarged.

    Rows A v - s = 0 with the bounds on s keep costs and sides in one form.  Gleixner, Steffy,
    Wolter 2016, doi:10.1287/ijoc.2016.0692 (iterative refinement).
    """
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, hstack

    A = program.A
    activity = extended_product(A, point).astype(np.float64)
    sides = np.clip(activity, program.row_lower, program.row_upper)
    reduced = program.c - extended_product(A.T.tocsr(), multipliers)
    lower = np.concatenate([program.col_lower - point, program.row_lower - sides])
    upper = np.concatenate([program.col_upper - point, program.row_upper - sides])
    result = linprog(
        zoom * np.concatenate([reduced.astype(np.float64), multipliers]),
        A_eq=hstack([A, -eye_array(sides.size)]).tocsr(),
        b_eq=zoom * (sides - activity),
        bounds=zoom * np.column_stack([lower, upper]),
        method="highs",
        options=HIGHS_OPTIONS,
    )
    if result.status != 0:
        return None
    return point + result.x[: point.size] / zoom, multipliers + result.eqlin.marginals / zoom


def _polish(program: BoundedProgram, point: Array, multipliers: Array) -> Iterator[Pair]:
    """Solve the equations of a vertex again, with residuals in extended precision."""
    lower, upper = program.col_lower, program.col_upper
    point = np.clip(point, lower, upper)
    at_lower, at_upper = _near(point, lower), _near(point, upper)
    point = np.where(at_lower, lower, np.where(at_upper, upper, point))
    activity = program.A @ point
    tight = _near(activity, program.row_lower) | _near(activity, program.row_upper)
    nearer = np.abs(activity - program.row_lower) <= np.abs(activity - program.row_upper)
    sides = np.where(nearer, program.row_lower, program.row_upper)[tight]
    free = ~(at_lower | at_upper)
    if not free.any() or not tight.any() or free.sum() * tight.sum() > _POLISHED:
        return
    rows, columns = program.A[np.flatnonzero(tight)], program.A.T.tocsr()
    factor = _Factor(as_dense(rows[:, free]))
    multipliers = np.where(tight, multipliers, 0.0)
    for _ in range(2):
        point[free] += factor.solve(sides - extended_product(rows, point))
        reduced = program.c - extended_product(columns, multipliers)
        multipliers[tight] += factor.solve_transposed(reduced[free])
    relative = np.abs(multipliers) / max(np.abs(multipliers).max(), 1e-300)
    for rounding in _ROUNDING:
        yield point, np.where(relative <= rounding, 0.0, multipliers)


class _Factor:
    """A pivoted QR factorization of a matrix of any rank, for corrections either way."""

    def __init__(self, matrix: Array) -> None:
        from scipy.linalg import qr

        vectors, triangle, pivots = qr(matrix, mode="economic", pivoting=True)
        diagonal = np.abs(np.diag(triangle))
        rank = int((diagonal > 1e-12 * diagonal[0]).sum())
        self.vectors, self.triangle = vectors[:, :rank], triangle[:rank, :rank]
        self.pivots, self.columns = pivots[:rank], matrix.shape[1]

    def solve(self, right: Any) -> Array:
        from scipy.linalg import solve_triangular

        projected = self.vectors.T @ right.astype(np.float64)
        return spread(solve_triangular(self.triangle, projected), self.pivots, self.columns)

    def solve_transposed(self, right: Any) -> Array:
        from scipy.linalg import solve_triangular

        chosen = right[self.pivots].astype(np.float64)
        return np.asarray(self.vectors @ solve_triangular(self.triangle, chosen, trans="T"))


def _near(values: Array, ends: Array) -> NDArray[np.bool_]:
    return np.abs(values - ends) <= _AT_BOUND * np.minimum(1.0 + np.abs(ends), 1e300)
