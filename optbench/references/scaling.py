"""Rows and columns of all sizes: scaling by powers of two, and the rank and row space it shows.

A power of two changes no bit of a mantissa, so that what is scaled is still the same problem, and
what is solved in the new units is undone exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optbench.references.arrays import Array, Matrix, as_dense, is_sparse

Exponents = NDArray[np.int_]
Largest = Callable[[Array, Array], tuple[Array, Array]]  # exponents of the largest entries

_ROUNDS = 10
_DEPENDENT = 1e-12  # a row this close to the span of the others, in scaled units, is in it


class Scaled(NamedTuple):
    """Entries A_ij 2^(rows_i + columns_j): the largest of each row and column is about 1."""

    matrix: Matrix
    rows: Exponents
    columns: Exponents


def equilibrate(A: Matrix) -> Scaled:
    """Scale the rows and columns of a matrix by powers of two.

    Parameters
    ----------
    A : ndarray or csr_array, shape (n, d)

    Returns
    -------
    Scaled
        Rows and columns of zeros keep the exponent 0.

    References
    ----------
    Ruiz 2001, A scaling algorithm to equilibrate both rows and columns norms in matrices.
    """
    largest = _largest_of_sparse(A) if is_sparse(A) else _largest_of_dense(A)
    up, left = np.zeros(A.shape[0]), np.zeros(A.shape[1])
    for _ in range(_ROUNDS):
        of_rows, of_columns = largest(up, left)
        up, left = up - of_rows / 2.0, left - of_columns / 2.0
    rows, columns = np.rint(up).astype(np.int_), np.rint(left).astype(np.int_)
    return Scaled(rescale(A, rows, columns), rows, columns)


@np.errstate(divide="ignore")
def _largest_of_dense(A: Array) -> Largest:
    size = np.log2(np.abs(A))

    def largest(up: Array, left: Array) -> tuple[Array, Array]:
        scaled = size + up[:, None] + left
        return _zero_if_empty(scaled.max(axis=1)), _zero_if_empty(scaled.max(axis=0))

    return largest


@np.errstate(divide="ignore")
def _largest_of_sparse(A: Matrix) -> Largest:
    size = np.log2(np.abs(A.data))
    row, column = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr)), A.indices

    def largest(up: Array, left: Array) -> tuple[Array, Array]:
        scaled = size + up[row] + left[column]
        of_rows, of_columns = np.full(up.size, -np.inf), np.full(left.size, -np.inf)
        np.maximum.at(of_rows, row, scaled)
        np.maximum.at(of_columns, column, scaled)
        return _zero_if_empty(of_rows), _zero_if_empty(of_columns)

    return largest


def _zero_if_empty(exponents: Array) -> Array:
    return np.where(np.isinf(exponents), 0.0, exponents)


def rescale(A: Matrix, rows: Exponents, columns: Exponents) -> Matrix:
    """Return A_ij 2^(rows_i + columns_j), dense or CSR as A is."""
    if not is_sparse(A):
        return np.ldexp(A, rows[:, None] + columns)
    scaled = A.copy()
    of_row = np.repeat(rows, np.diff(A.indptr))
    scaled.data = np.ldexp(A.data, of_row + columns[A.indices])
    return scaled


def independent_rows(A: Matrix) -> NDArray[np.intp]:
    """Indices, in order, of a largest set of linearly independent rows."""
    from scipy.linalg import qr

    triangle, pivots = qr(as_dense(equilibrate(A).matrix).T, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(triangle))
    return np.sort(pivots[: diagonal.size][diagonal > _DEPENDENT * max(diagonal[0], 1e-300)])


def rank(A: Matrix) -> int:
    """Number of linearly independent rows of a matrix (n, d), whatever the units of its columns.

    Parameters
    ----------
    A : ndarray or csr_array, shape (n, d)

    Returns
    -------
    int
    """
    return int(independent_rows(A).size)


def row_space(A: Matrix) -> Array:
    """Orthonormal basis of the span of the rows.

    Parameters
    ----------
    A : ndarray or csr_array, shape (n, d)

    Returns
    -------
    ndarray, shape (d, r)
    """
    chosen = as_dense(A[independent_rows(A)])
    exponents = np.frexp(np.abs(chosen).max(axis=1, initial=0.0))[1]
    return graded_qr(np.ldexp(chosen, -exponents[:, None]).T)[0]


def graded_qr(A: Array) -> tuple[Array, Array, NDArray[np.intp]]:
    """QR factors of A[:, pivots], each row of A as accurate as its own size allows.

    Rows are sorted by size and columns pivoted: Cox and Higham 1998, doi:10.1007/BF02510914.

    Parameters
    ----------
    A : ndarray, shape (m, k)

    Returns
    -------
    Q, R, pivots
    """
    from scipy.linalg import qr

    order = np.argsort(-np.abs(A).max(axis=1, initial=0.0), kind="stable")
    sorted_Q, R, pivots = qr(A[order], mode="economic", pivoting=True)
    Q = np.empty_like(sorted_Q)
    Q[order] = sorted_Q
    return Q, R, pivots


def solve_upper(R: Array, right: Array, transposed: bool = False) -> Array:
    """Solve R x = right, or R^T x = right, with R upper triangular, of any size."""
    from scipy.linalg import solve_triangular

    solved = solve_triangular(R, right, trans=int(transposed)) if right.size else right
    return np.asarray(solved, dtype=np.float64)
