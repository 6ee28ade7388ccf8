"""Symmetric matrices: eigenvectors, factors, solutions, roots.

References
----------
Golub and Van Loan, Matrix Computations, 4th edition 2013, sections 4.2 and 8.5.
"""

from __future__ import annotations

import math

import numpy as np

from optbench.linear_algebra.products import product

SWEEPS = 40  # convergence is quadratic: matrices of any size need about ten
NEGLIGIBLE = 1e-17  # of the largest entry: an off-diagonal entry that changes no eigenvalue
RANK = 1e-12  # of the largest: an eigenvalue below it is zero


def symmetric_eigen(matrix: np.ndarray, vectors: np.ndarray) -> None:
    """Diagonalise a symmetric matrix in place by cyclic Jacobi rotations.

    Afterwards matrix[k, k] is an eigenvalue and the ROW vectors[k] its unit eigenvector: the
    matrix was sum_k matrix[k, k] vectors[k] vectors[k]^T.  The order is that of the rotations.
    Rounding moves eigenvalues by about 1e-15 of the largest; NaN stays NaN.

    Parameters
    ----------
    matrix : ndarray, float64 (n, n)
        Symmetric; overwritten.
    vectors : ndarray, float64 (n, n)
        Overwritten.
    """
    size = matrix.shape[0]
    _test_squares(matrix, vectors)
    largest = 0.0
    for i in range(size):
        for j in range(size):
            largest = max(largest, abs(matrix[i, j]))
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(SWEEPS):
        rotated = False
        for p in range(size):
            for q in range(p + 1, size):
                if abs(matrix[p, q]) > NEGLIGIBLE * largest:
                    _rotate(matrix, vectors, p, q)
                    rotated = True
        if not rotated:
            break


def _rotate(matrix: np.ndarray, vectors: np.ndarray, p: int, q: int) -> None:
    """Make matrix[p, q] zero: tan = t solves t^2 + 2 tau t - 1 = 0, the root of |t| <= 1."""
    tau = 0.5 * (matrix[q, q] - matrix[p, p]) / matrix[p, q]
    tangent = 1.0 / (abs(tau) + math.sqrt(1.0 + tau * tau))
    tangent = tangent if tau >= 0.0 else -tangent
    cosine = 1.0 / math.sqrt(1.0 + tangent * tangent)
    sine = tangent * cosine
    shift = tangent * matrix[p, q]
    first, second = matrix[p, p] - shift, matrix[q, q] + shift
    for i in range(matrix.shape[0]):
        x, y = matrix[p, i], matrix[q, i]
        matrix[p, i], matrix[q, i] = cosine * x - sine * y, sine * x + cosine * y
        x, y = vectors[p, i], vectors[q, i]
        vectors[p, i], vectors[q, i] = cosine * x - sine * y, sine * x + cosine * y
    for i in range(matrix.shape[0]):
        matrix[i, p], matrix[i, q] = matrix[p, i], matrix[q, i]
    matrix[p, p], matrix[q, q] = first, second
    matrix[p, q], matrix[q, p] = 0.0, 0.0


def cholesky(matrix: np.ndarray, factor: np.ndarray) -> bool:
    """Write the lower triangular factor with matrix = factor factor^T; say whether there is one.

    Parameters
    ----------
    matrix : ndarray, float64 (n, n)
        Symmetric and not negative; only its lower triangle is read.
    factor : ndarray, float64 (n, n)
        Its lower triangle is overwritten.

    Returns
    -------
    bool
        False when a pivot is below 1e-12 of the largest one: singular to rounding.
    """
    _test_squares(matrix, factor)
    largest = 0.0
    for i in range(matrix.shape[0]):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i > j:
                factor[i, j] = total / factor[j, j]
        largest = max(largest, total)
        if not total > RANK * largest:
            return False
        factor[i, i] = math.sqrt(total)
    return True


def solve_semidefinite(matrix: np.ndarray, right: np.ndarray, scratch: np.ndarray) -> None:
    """Overwrite ``right`` with matrix^+ right, for a symmetric matrix that is not negative.

    By a Cholesky factorization; a matrix that is singular to rounding is diagonalised, and its
    eigenvalues below 1e-12 of the largest count as zero, as in ``numpy.linalg.pinv``.

    Parameters
    ----------
    matrix : ndarray, float64 (n, n)
        Overwritten when it is singular.
    right : ndarray, float64 (n,)
    scratch : ndarray, float64 (n, n)
        Overwritten.
    """
    size = right.size
    if size != matrix.shape[0]:
        raise ValueError("solve_semidefinite: shapes must be (n, n), (n,) and (n, n)")
    if cholesky(matrix, scratch):
        for i in range(size):
            for k in range(i):
                right[i] -= scratch[i, k] * right[k]
            right[i] /= scratch[i, i]
        for i in range(size - 1, -1, -1):
            right[i] /= scratch[i, i]
            for k in range(i):
                right[k] -= scratch[i, k] * right[i]
        return
    symmetric_eigen(matrix, scratch)
    largest = 0.0
    for k in range(size):
        largest = max(largest, matrix[k, k])
    for k in range(size):
        along = 0.0
        for i in range(size):
            along += scratch[k, i] * right[i]
        zero = matrix[k, k] <= RANK * largest
        matrix[k, k] = 0.0 if zero else along / matrix[k, k]
    for i in range(size):
        right[i] = 0.0
        for k in range(size):
            right[i] += matrix[k, k] * scratch[k, i]


def inverse_root(
    matrix: np.ndarray, p: float, out: np.ndarray, vectors: np.ndarray, eps: float = 0.0
) -> None:
    """Write (matrix + eps I)^(-1/p) to ``out``, for a symmetric matrix that is not negative.

    By its eigenvectors; eigenvalues below 0 count as 0.  Without ``eps`` it is a root of the
    pseudo-inverse: eigenvalues below 1e-12 of the largest one are left out.

    Parameters
    ----------
    matrix : ndarray, float64 (n, n)
    p : float
        4 for Shampoo, 2 for an inverse square root.
    out : ndarray, float64 (n, n)
        Overwritten.
    vectors : ndarray, float64 (n, n)
        Overwritten.
    eps : float
        0 or more.
    """
    size = matrix.shape[0]
    _test_squares(matrix, out)
    for i in range(size):
        for j in range(size):
            out[i, j] = matrix[i, j]
    symmetric_eigen(out, vectors)
    largest = 0.0
    for k in range(size):
        largest = max(largest, out[k, k])
    for k in range(size):
        value = max(out[k, k], 0.0) + eps
        zero = value == 0.0 or (eps == 0.0 and out[k, k] <= RANK * largest)
        factor = 0.0 if zero else value ** (-0.5 / p)
        for i in range(size):
            vectors[k, i] *= factor
    product(vectors.T, vectors, out)


def _test_squares(matrix: np.ndarray, other: np.ndarray) -> None:
    size = matrix.shape[0]
    if matrix.shape[1] != size or other.shape[0] != size or other.shape[1] != size:
        raise ValueError("both matrices must be (n, n)")
