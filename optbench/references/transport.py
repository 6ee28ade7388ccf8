"""Optimal transport with an entropy: Sinkhorn's iteration in the log domain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import Array, as_dense, as_matrix, as_vector
from optbench.references.certificate import Reference, relative_gap

_TOLERANCE = 1e-13
_SWEEPS = 20_000


def entropic_transport(
    cost: ArrayLike, row_mass: ArrayLike, column_mass: ArrayLike, strength: float
) -> Reference:
    """Plan of least <cost, P> + strength sum P (log P - 1) with given row and column sums.

    P = exp((f + g - cost) / strength); the sweeps alternate between f and g.  The dual is
    max f.row_mass + g.column_mass - strength sum P.

    Parameters
    ----------
    cost : array_like, shape (m, n)
    row_mass, column_mass : array_like, shapes (m,) and (n,)
        Positive, of equal sums.
    strength : float
        Weight of the entropy, in units of the cost.

    Returns
    -------
    Reference
        `solution` the plan row by row, `dual` f and g, `residual` the largest error of a row or
        column sum relative to the largest mass.  Sweeps end at an error of 1e-13 or after 20,000;
        strengths below a hundredth of the largest cost need more:
        :func:`optbench.references.entropic_program` solves these.

    Raises
    ------
    UserError
        If the strength or a mass is not positive, or the sums of the masses differ.

    References
    ----------
    Cuturi 2013, arXiv:1306.0895; Peyre and Cuturi 2019, arXiv:1803.00567.
    """
    cost = as_dense(as_matrix(cost, "cost"))
    rows = as_vector(row_mass, cost.shape[0], "row_mass")
    columns = as_vector(column_mass, cost.shape[1], "column_mass")
    if not 0.0 < strength < np.inf:
        raise UserError(f"strength = {strength} must be positive: it weighs the entropy")
    if min(rows.min(), columns.min()) <= 0.0:
        raise UserError("row_mass and column_mass must be positive")
    if not np.isclose(rows.sum(), columns.sum(), rtol=1e-12, atol=0.0):
        raise UserError(f"row_mass sums to {rows.sum():g} but column_mass to {columns.sum():g}")
    largest = max(rows.max(), columns.max())
    f, g = _potentials(cost, rows, columns, strength, _TOLERANCE * largest)
    exponent = (f[:, None] + g - cost) / strength
    plan = np.exp(exponent)
    terms = plan * (cost + strength * (exponent - 1.0))
    value = float(terms.sum())
    bound = float(f @ rows + g @ columns - strength * plan.sum())
    errors = np.concatenate([plan.sum(axis=1) - rows, plan.sum(axis=0) - columns])
    return Reference(
        name="entropic",
        kind="entropic_program",
        norm="entropy",
        solution=plan.ravel(),
        value=value,
        bound=bound,
        gap=relative_gap(value, bound, scale=float(np.abs(terms).sum())),
        dual=np.concatenate([f, g]),
        unique=True,
        residual=float(np.abs(errors).max() / largest),
    )


def _potentials(
    cost: Array, rows: Array, columns: Array, strength: float, tolerance: float
) -> tuple[Array, Array]:
    """Return f and g; each f makes the row sums right, and sweeps end when the columns' are."""
    f, g = np.zeros_like(rows), np.zeros_like(columns)
    log_rows, log_columns = np.log(rows), np.log(columns)
    for _ in range(_SWEEPS):
        f = strength * (log_rows - _log_sum_exp((g - cost) / strength))
        exponent = (f[:, None] - cost) / strength
        found = _log_sum_exp(exponent.T)
        if np.abs(np.exp(found + g / strength) - columns).max() <= tolerance:
            break
        g = strength * (log_columns - found)
    return f, g


def _log_sum_exp(exponents: Array) -> Array:
    """Logarithm of the row sums of exp(exponents), free of overflow; SciPy's takes longer."""
    shift = exponents.max(axis=1)
    return np.asarray(shift + np.log(np.exp(exponents - shift[:, None]).sum(axis=1)))
