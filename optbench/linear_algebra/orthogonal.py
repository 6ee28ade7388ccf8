"""Orthogonal factors: Newton-Schulz iterations and Householder's QR.

References
----------
Higham, Functions of Matrices, 2008, chapter 8 (Newton-Schulz for the polar factor).
Jordan and others, Muon, 2024, https://kellerjordan.github.io/posts/muon (the quintic).
Golub and Van Loan, Matrix Computations, 4th edition 2013, section 5.2 (QR).
"""

from __future__ import annotations

import math

import numpy as np

from optbench.linear_algebra.layers import as_matrix
from optbench.linear_algebra.products import frobenius_norm, product

# X <- a X + b (X X^T) X + c (X X^T)^2 X, after X <- X / ||X||_F
MUON = (3.4445, -4.7750, 2.0315)  # five steps bring singular values into about 0.7 ... 1.2
CUBIC = (1.5, -0.5, 0.0)  # converges: to the polar factor
STEPS = 5
MOST_STEPS = 100
NEGLIGIBLE = 1e-9  # the next step squares what a step of this size leaves


def orthogonalize(
    matrix: np.ndarray,
    work: np.ndarray,
    steps: int = STEPS,
    coefficients: tuple[float, float, float] = MUON,
) -> None:
    """Overwrite a matrix U S V^T with about U V^T, by Newton-Schulz steps as Muon takes them.

    Parameters
    ----------
    matrix : ndarray, float64 (m, n)
        A zero matrix stays as it is.
    work : ndarray, float64 (3, m n) or wider
        Overwritten: ``Slot(shape=(3, "theta"))``.
    steps : int
    coefficients : tuple of float
        a, b and c of X <- a X + b (X X^T) X + c (X X^T)^2 X: ``MUON``, or ``CUBIC``, which takes
        more steps and converges.
    """
    _test_work(matrix, work)
    if _normalize(matrix):
        for _ in range(steps):
            _newton_schulz(matrix, work, coefficients)


def polar(matrix: np.ndarray, work: np.ndarray) -> None:
    """Overwrite a matrix U S V^T with U V^T, to rounding.

    Singular values below about 1e-9 of the norm count as zero: their vectors take no part.

    Parameters
    ----------
    matrix : ndarray, float64 (m, n)
    work : ndarray, float64 (3, m n) or wider
        Overwritten.
    """
    _test_work(matrix, work)
    if not _normalize(matrix):
        return
    for _ in range(MOST_STEPS):
        if not _newton_schulz(matrix, work, CUBIC) > NEGLIGIBLE:
            break


def _test_work(matrix: np.ndarray, work: np.ndarray) -> None:
    if work.shape[0] < 3 or work.shape[1] < matrix.shape[0] * matrix.shape[1]:
        raise ValueError('work must be (3, m n) or larger: Slot(shape=(3, "theta"))')


def _normalize(matrix: np.ndarray) -> bool:
    """Divide a matrix by its norm; say whether it has one."""
    norm = frobenius_norm(matrix)
    if not norm > 0.0:
        return False
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            matrix[i, j] /= norm
    return True


def _newton_schulz(
    matrix: np.ndarray, work: np.ndarray, coefficients: tuple[float, float, float]
) -> float:
    """Take one step; return the norm of the change.  Works on the smaller side."""
    rows, columns = matrix.shape
    first, second, third = coefficients
    size = min(rows, columns)
    gram, polynomial = as_matrix(work[0], size, size), as_matrix(work[1], size, size)
    moved = as_matrix(work[2], rows, columns)
    if rows <= columns:
        product(matrix, matrix.T, gram)
    else:
        product(matrix.T, matrix, gram)
    if third != 0.0:
        product(gram, gram, polynomial)
    for i in range(size):
        for j in range(size):
            square = third * polynomial[i, j] if third != 0.0 else 0.0
            polynomial[i, j] = second * gram[i, j] + square
        polynomial[i, i] += first - 1.0
    if rows <= columns:
        product(polynomial, matrix, moved)
    else:
        product(matrix, polynomial, moved)
    for i in range(rows):
        for j in range(columns):
            matrix[i, j] += moved[i, j]
    return frobenius_norm(moved)


def qr(matrix: np.ndarray, orthogonal: np.ndarray) -> None:
    """Factorize matrix = Q R by Householder's reflections, as LAPACK does and with its signs.

    Parameters
    ----------
    matrix : ndarray, float64 (m, n)
        At least as many rows as columns.  Its upper triangle is overwritten with R, what is below
        with the reflections.
    orthogonal : ndarray, float64 (m, n)
        Overwritten with Q.
    """
    rows, columns = matrix.shape
    if rows < columns or orthogonal.shape[0] != rows or orthogonal.shape[1] != columns:
        raise ValueError("qr: shapes must be (m, n) and (m, n), with m >= n")
    for k in range(columns):
        _make_reflection(matrix, k)
        factor = _factor(matrix, k)
        sums = orthogonal[0]  # free until the end
        for j in range(k + 1, columns):
            sums[j] = matrix[k, j]
        for i in range(k + 1, rows):
            for j in range(k + 1, columns):
                sums[j] += matrix[i, k] * matrix[i, j]
        for j in range(k + 1, columns):
            matrix[k, j] -= factor * sums[j]
        for i in range(k + 1, rows):
            for j in range(k + 1, columns):
                matrix[i, j] -= factor * matrix[i, k] * sums[j]
    for i in range(rows):
        for j in range(columns):
            orthogonal[i, j] = 1.0 if i == j else 0.0
    for k in range(columns - 1, -1, -1):
        _reflect_unit_vectors(matrix, orthogonal, k)


def _make_reflection(matrix: np.ndarray, k: int) -> None:
    """Replace column k from the diagonal on: R's entry, and v / v[0] with H = I - factor v v^T."""
    largest = 0.0
    for i in range(k, matrix.shape[0]):
        largest = max(largest, abs(matrix[i, k]))
    below = 0.0
    for i in range(k + 1, matrix.shape[0]):
        below += (matrix[i, k] / largest) ** 2 if largest > 0.0 else 0.0
    if below == 0.0:
        for i in range(k + 1, matrix.shape[0]):
            matrix[i, k] = 0.0
        return
    first = matrix[k, k]
    norm = largest * math.sqrt((first / largest) ** 2 + below)
    entry = -norm if first >= 0.0 else norm
    for i in range(k + 1, matrix.shape[0]):
        matrix[i, k] /= first - entry
    matrix[k, k] = entry


def _factor(matrix: np.ndarray, k: int) -> float:
    """Return 2 / |v|^2 of reflection k; 0 where it leaves everything as it is."""
    below = 0.0
    for i in range(k + 1, matrix.shape[0]):
        below += matrix[i, k] * matrix[i, k]
    return 2.0 / (1.0 + below) if below > 0.0 else 0.0


def _reflect_unit_vectors(matrix: np.ndarray, orthogonal: np.ndarray, k: int) -> None:
    """Apply reflection k to Q, whose row k is that of the unit matrix so far."""
    rows, columns = matrix.shape
    factor, sums = _factor(matrix, k), orthogonal[k]
    for i in range(k + 1, rows):
        for j in range(k + 1, columns):
            sums[j] += matrix[i, k] * orthogonal[i, j]
    for i in range(k + 1, rows):
        for j in range(k + 1, columns):
            orthogonal[i, j] -= factor * matrix[i, k] * sums[j]
        orthogonal[i, k] = -factor * matrix[i, k]
    for j in range(k + 1, columns):
        sums[j] *= -factor
    orthogonal[k, k] = 1.0 - factor
