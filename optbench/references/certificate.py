"""A reference solution and its primal-dual certificate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.norm_names import exponents_of
from optbench.references.arrays import Array, Matrix, extended_product, term_sizes

CERTIFIED_GAP = 1e-8
_ROUNDING = 1e-14


@dataclass(frozen=True)
class Reference:
    """A solution that could be selected, between a primal and a dual value.

    Parameters
    ----------
    name : str
        Short name in tables: "l1", "l2", "linf", "l1.5", "hypentropy", "entropic", "vertex", ...
    kind : str
        "max_margin", "least_norm", "linear_program", "entropic_program" or "minimizer".
    norm : str or None
        The norm or potential that the solution optimises, if any.
    solution : ndarray, shape (d,)
        The primal point; of unit norm for a max margin.
    value : float
        Primal value: the margin of the unit vector, the norm, or the objective.
    bound : float
        Dual value; above the optimum for a max margin, below it for a minimum.
    gap : float
        Relative duality gap abs(value - bound) / abs(value).
    dual : ndarray
        The dual point that proves the bound.
    unique : bool or None
        Whether the solution is the only one; None when this was not decided.
    residual : float
        Largest relative violation of a constraint that the point only meets up to rounding.
    """

    name: str
    kind: str
    norm: str | None
    solution: Array
    value: float
    bound: float
    gap: float
    dual: Array
    unique: bool | None
    residual: float = 0.0

    @property
    def exponents(self) -> dict[str, float]:
        """The p of the norm of a largest margin or least norm in each family; else nothing."""
        return exponents_of(self.norm) if self.kind in ("max_margin", "least_norm") else {}

    @property
    def certified(self) -> bool:
        """Whether gap and residual are at most 1e-8; never where one is not a number."""
        return self.gap <= CERTIFIED_GAP and self.residual <= CERTIFIED_GAP


def relative_gap(value: float, bound: float, scale: float = 0.0) -> float:
    """Relative duality gap abs(value - bound) / max(abs(value), scale).

    Parameters
    ----------
    value, bound : float
        Primal and dual values.
    scale : float
        Size of the terms of the objective, for objectives whose optimum may vanish.

    Returns
    -------
    float
    """
    tiny = float(np.finfo(np.float64).tiny)
    return abs(value - bound) / max(abs(value), scale, tiny)


def violation(A: Matrix, b: Array, x: Array) -> float:
    """Largest abs(A x - b)_i / abs(b_i) of those that are not rounding.

    Parameters
    ----------
    A : ndarray or csr_array, shape (n, d)
    b : ndarray, shape (n,)
    x : ndarray, shape (d,)

    Returns
    -------
    float
        inf where b_i = 0 is not met up to rounding of the terms of (A x)_i.
    """
    error = np.abs(extended_product(A, x) - b).astype(np.float64)
    error[error <= _ROUNDING * term_sizes(A, x)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(error > 0.0, error / np.abs(b), 0.0).max())


def vector_norm(vector: ArrayLike, p: float) -> float:
    """The p-norm of a vector, free of overflow.

    Parameters
    ----------
    vector : array_like, shape (d,)
    p : float
        Exponent in [1, inf].

    Returns
    -------
    float
    """
    magnitudes = np.abs(np.asarray(vector))
    largest = magnitudes.max(initial=0.0)
    if largest == 0.0 or np.isinf(p):
        return float(largest)
    return float(largest * ((magnitudes / largest) ** p).sum() ** (1.0 / p))


def dual_exponent(p: float) -> float:
    """The exponent q of the dual norm, 1/p + 1/q = 1."""
    if p == 1.0:
        return float("inf")
    return 1.0 if np.isinf(p) else p / (p - 1.0)


def check_exponent(p: float) -> float:
    """Return p as a float if it is the exponent of a norm, in [1, inf]."""
    exponent = float(p)
    if not exponent >= 1.0:
        raise UserError(f"p = {p} is not the exponent of a norm: choose p in [1, inf]")
    return exponent
