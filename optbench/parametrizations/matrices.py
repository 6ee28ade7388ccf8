"""Products of small matrices in maps, without allocation: NumPy here, vectorised when jitted.

Compiled by Numba, ``reshape`` is a call of 50 ns and a loop over 30 columns is mostly remainder:
for the layers of a small network :mod:`optbench.engine.data.matrices` replaces both.
"""

from __future__ import annotations

import numpy as np


def as_matrix(vector: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return a view of the first numbers of ``vector`` as a matrix, row by row."""
    return vector[: rows * columns].reshape(rows, columns)


def multiply(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Write ``left @ right`` to ``out``; one may be the transpose of what lies row by row."""
    np.matmul(left, right, out=out)
