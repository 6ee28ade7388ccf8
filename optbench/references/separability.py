"""Which rows a hyperplane through the origin can separate, with both certificates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optbench.errors import UserError
from optbench.references.arrays import (
    Array,
    Matrix,
    Pair,
    as_dense,
    as_matrix,
    extended_product,
    spread,
    term_sizes,
)
from optbench.references.exact import positive_products
from optbench.references.norm_linear import HIGHS_OPTIONS
from optbench.references.scaling import (
    Exponents,
    equilibrate,
    graded_qr,
    rank,
    row_space,
    solve_upper,
)

Candidate = tuple[NDArray[np.bool_], Array, Array]
Coordinates = tuple[Array | None, Matrix]  # a basis, and the products of the rows with it

_ROUNDING = 4e-15  # of the size of the terms that cancel
_CLEAR = 1e-12  # of the same size: what is above is not rounding
_POLISHING = 3
_FAR = 10**6  # an exponent below all others


@dataclass(frozen=True)
class Separability:
    """Whether Z w > 0 has a solution, and the maximal separable subset.

    Parameters
    ----------
    separable : bool
        Whether some w has Z w > 0 in every row.
    separable_rows : ndarray of bool, shape (n,)
        The rows i for which some u has Z u >= 0 and (Z u)_i > 0.
    direction : ndarray, shape (d,)
        Such a u for all these rows at once, of unit L2 norm (0 if there are none): a witness,
        whose (Z u)_i > 0 hold in exact arithmetic.
    margin : float
        min (Z u)_i over the separable rows, recomputed.
    weights : ndarray, shape (n,)
        Gordan certificate for the other rows: weights >= 0 with sum 1 and Z^T weights = 0,
        positive exactly there (all 0 if the data are separable).
    residual : float
        Largest entry of abs(Z^T weights) relative to abs(Z)^T weights, at most 4e-15: entries of Z
        changed by so little make the sum 0.
    """

    separable: bool
    separable_rows: NDArray[np.bool_]
    direction: Array
    margin: float
    weights: Array
    residual: float


def separability(Z: Matrix) -> Separability:
    """Separate as many rows as possible, and prove that the others cannot be.

    The linear program max sum(a) over Z^T (a + b) = 0, 0 <= a <= 1, b >= 0 has a + b > 0 exactly
    on the rows that cannot be separated (Gordan), and its multipliers u meet Z u >= 1 on the rest
    and Z u = 0 there.  Neither changes when rows and columns are scaled by powers of two.  HiGHS
    solves it, then Clarabel, each in several coordinates; what they say is believed when it is
    proved.

    Parameters
    ----------
    Z : array_like or scipy.sparse matrix, shape (n, d)
        Rows y_i x_i.

    Returns
    -------
    Separability

    Raises
    ------
    UserError
        If no solver finds a proof.

    References
    ----------
    Ji and Telgarsky 2018, arXiv:1803.07300 (the maximal separable subset).
    """
    Z = as_matrix(Z, "Z")
    scaled = equilibrate(Z)
    for separable, weights, direction in _candidates(scaled.matrix):
        weights = _polish(scaled.matrix, weights, ~separable)
        direction = _avoid(scaled.matrix, direction, ~separable)
        found = Separability(
            separable=bool(separable.all()),
            separable_rows=separable,
            direction=_unit(direction, scaled.columns),
            margin=0.0,
            weights=_simplex(weights, scaled.rows),
            residual=_residual(scaled.matrix, weights),
        )
        if _proved(Z, found):
            margins = extended_product(Z, found.direction)[separable]
            return replace(found, margin=float(margins.min()) if margins.size else 0.0)
    raise UserError(
        f"neither a separating direction nor a proof that there is none was found for {Z.shape[0]}"
        f" x {Z.shape[1]} data: it is too close to both; standardize it, or drop features"
    )


def _proved(Z: Matrix, found: Separability) -> bool:
    """Check both certificates from the data alone."""
    rows = found.separable_rows
    if rows.any() and not positive_products(Z[rows], found.direction).all():
        return False
    if rows.all():
        return True
    if (found.weights[~rows] <= 0.0).any() or found.residual > _ROUNDING:
        return False
    size = term_sizes(Z, found.direction)
    products = extended_product(Z, found.direction)
    return bool(
        (products[rows] > _CLEAR * size[rows]).all()
        and (np.abs(products[~rows]) <= _CLEAR * size[~rows]).all()
    )


def _candidates(M: Matrix) -> Iterator[Candidate]:
    """Rows that can be separated, weights of the others and multipliers, as solvers find them."""
    for solve in (_highs, _clarabel):
        direction = np.zeros(M.shape[1])
        for coordinates in (_same, _orthonormal, _turned, _turned):
            basis, products = coordinates(M, direction)
            scaled = equilibrate(products)
            pair = solve(scaled.matrix)
            if pair is None:
                continue
            weights, inside = pair
            separable, weights = weights < 0.5, _rescaled(weights, scaled.rows)
            inside = _rescaled(inside, scaled.columns)
            direction = inside if basis is None else basis @ inside
            yield separable, weights, direction


def _same(M: Matrix, direction: Array) -> Coordinates:
    """Leave the coordinates as they are."""
    return None, M


def _orthonormal(M: Matrix, direction: Array) -> Coordinates:
    """Coordinates in which the columns are orthonormal: they may nearly depend on each other."""
    orthonormal, triangle, pivots = graded_qr(as_dense(M))
    size = rank(M)
    basis = np.zeros((M.shape[1], size))
    basis[pivots[:size]] = solve_upper(triangle[:size, :size], np.eye(size))
    return basis, orthonormal[:, :size]


def _turned(M: Matrix, direction: Array) -> Coordinates:
    """Coordinates with an axis along a direction, where margins smaller than the solver's
    tolerance become a column of their own."""
    length = np.linalg.norm(direction)
    if not length > 0.0:
        return None, M
    axis = int(np.abs(direction).argmax())
    mirror = direction / length
    mirror[axis] += np.sign(mirror[axis])
    basis = np.eye(mirror.size) - np.outer(mirror, mirror) * (2.0 / (mirror @ mirror))
    products = as_dense(M) @ basis
    products[:, axis] = extended_product(M, basis[:, axis])
    return basis, products


def _highs(M: Matrix) -> Pair | None:
    import scipy.sparse as sparse
    from scipy.optimize import linprog

    n, d = M.shape
    columns = sparse.csr_array(M).T
    result = linprog(
        np.concatenate([-np.ones(n), np.zeros(n)]),
        A_eq=sparse.hstack([columns, columns], format="csr"),
        b_eq=np.zeros(d),
        bounds=[(0.0, 1.0)] * n + [(0.0, None)] * n,
        method="highs",
        options=HIGHS_OPTIONS,
    )
    if result.status != 0:
        return None
    return result.x[:n] + result.x[n:], -result.eqlin.marginals


def _clarabel(M: Matrix) -> Pair | None:
    """The dual program, max sum(t) over M u >= t, 0 <= t <= 1: its multipliers are a + b."""
    import clarabel
    import scipy.sparse as sparse

    n, d = M.shape
    one, none = sparse.eye_array(n), sparse.csr_array((n, d))
    rows = [[-sparse.csr_array(M), one], [none, one], [none, -one]]
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    result = clarabel.DefaultSolver(
        sparse.csc_matrix((d + n, d + n)),
        np.concatenate([np.zeros(d), -np.ones(n)]),
        sparse.csc_matrix(sparse.block_array(rows)),
        np.concatenate([np.zeros(n), np.ones(n), np.zeros(n)]),
        [clarabel.NonnegativeConeT(3 * n)],
        settings,
    ).solve()
    direction, weights = np.array(result.x)[:d], np.array(result.z)[:n]
    return (weights, direction) if np.isfinite(direction).all() else None


def _polish(M: Matrix, weights: Array, rows: NDArray[np.bool_]) -> Array:
    """Weights on some rows, moved by small relative amounts to the null space of M^T."""
    positive = np.where(rows, weights, 0.0)
    if not rows.any():
        return positive
    chosen = np.flatnonzero(rows)
    dense = as_dense(M[chosen])
    size = rank(dense)
    for _ in range(_POLISHING):
        if _residual(M, positive) <= 0.25 * _ROUNDING:
            break
        inside = positive[chosen]
        basis, triangle, pivots = graded_qr(inside[:, None] * dense)
        drift = extended_product(M.T, positive).astype(np.float64)[pivots[:size]]
        relative = basis[:, :size] @ solve_upper(triangle[:size, :size], drift, transposed=True)
        moved = spread(inside * (1.0 - relative), chosen, weights.size)
        if not (moved[chosen] > 0.0).all() or not _residual(M, moved) < _residual(M, positive):
            break
        positive = moved
    return positive


def _avoid(M: Matrix, direction: Array, rows: NDArray[np.bool_]) -> Array:
    """The part of a direction that is orthogonal to some rows."""
    if rows.all():
        return np.zeros_like(direction)
    if rows.any():
        basis = row_space(M[np.flatnonzero(rows)])
        for _ in range(2):
            direction = direction - basis @ (basis.T @ direction)
    return direction


def _residual(M: Matrix, weights: Array) -> float:
    """Largest entry of abs(M^T weights) relative to the terms that cancel in it."""
    size = abs(M).T @ weights
    sums = np.abs(extended_product(M.T, weights)).astype(np.float64)
    return float(np.divide(sums, size, out=np.zeros_like(size), where=size > 0.0).max())


def _unit(direction: Array, exponents: Exponents) -> Array:
    """The direction in the units of the data, of unit L2 norm."""
    entries = _rescaled(direction, exponents)
    length = np.linalg.norm(entries)
    return entries / length if length > 0.0 else entries


def _simplex(weights: Array, exponents: Exponents) -> Array:
    """The weights of the rows of the data, of sum 1."""
    entries = _rescaled(weights, exponents)
    total = entries.sum()
    return entries / total if total > 0.0 else entries


def _rescaled(values: Array, exponents: Exponents) -> Array:
    """Values times powers of two, up to a common one that makes the largest about 1."""
    mantissas, powers = np.frexp(values)
    powers = np.where(values == 0.0, -_FAR, powers + exponents)
    return np.asarray(np.ldexp(mantissas, powers - powers.max()), dtype=np.float64)
