"""Products of matrices: NumPy here, tiles of vector registers when compiled
(:mod:`optbench.engine.data.matrices`), as fast as a BLAS up to 512 x 512."""

from __future__ import annotations

import math

import numpy as np


def multiply(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Write ``left @ right`` to ``out``, which must be another array.

    Transposes cost nothing: ``multiply(a.T, b, out)``, ``multiply(a, b.T, out)``; one of the two
    may be one.

    Parameters
    ----------
    left : ndarray, float64 (m, k)
    right : ndarray, float64 (k, n)
    out : ndarray, float64 (m, n)
        Overwritten.
    """
    inner = left.shape[1] == right.shape[0]
    if not (inner and out.shape[0] == left.shape[0] and out.shape[1] == right.shape[1]):
        raise ValueError("multiply: shapes must be (m, k), (k, n) and (m, n)")
    product(left, right, out)


def product(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Write ``left @ right`` to ``out``: nothing tests the shapes."""
    np.matmul(left, right, out=out)


def frobenius_norm(matrix: np.ndarray) -> float:
    """Return the root of the sum of the squares of a matrix's entries.

    Squares must be in the range of float64: entries between 1e-150 and 1e150.
    """
    total = 0.0
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            total += matrix[i, j] * matrix[i, j]
    return math.sqrt(total)
