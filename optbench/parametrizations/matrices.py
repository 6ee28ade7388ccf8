"""Products of small matrices in maps, without allocation: NumPy here, vectorised when jitted.

Compiled by Numba, ``reshape`` is a call of 50 ns and a loop over 30 columns is mostly remainder:
for the layers of a small network :mod:`optbench.engine.data.matrices` replaces both.
"""

from __future__ import annotations

import numpy as np

from optbench.linear_algebra.layers import as_matrix

__all__ = ["as_matrix", "multiply"]


def multiply(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Write ``left @ right`` to ``out``; one may be the transpose of what lies row by row."""
    np.matmul(left, right, out=out)
