"""Linear programs in general form: bounds on rows and on variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from optbench.data.dataset import Vector

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class GeneralProgram:
    """Optimize c.x + offset subject to row_lower <= A x <= row_upper, col_lower <= x <= col_upper.

    Parameters
    ----------
    name : str
        Short name, as shown in tables.
    sense : {"minimize", "maximize"}
        Direction of the optimization.
    c : ndarray, shape (n,), float64
        Objective.
    offset : float
        Constant of the objective.
    A : scipy.sparse.csr_array, shape (m, n), float64
        Constraints.
    row_lower, row_upper : ndarray, shape (m,), float64
        Bounds of A x, infinite where there is none.
    col_lower, col_upper : ndarray, shape (n,), float64
        Bounds of x, infinite where there is none.
    row_names, col_names : tuple of str
        Names, m and n of them.
    """

    name: str
    sense: Literal["minimize", "maximize"]
    c: Vector
    offset: float
    A: csr_array
    row_lower: Vector
    row_upper: Vector
    col_lower: Vector
    col_upper: Vector
    row_names: tuple[str, ...]
    col_names: tuple[str, ...]
