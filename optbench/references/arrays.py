"""Matrices as the reference solvers see them: checked, dense or CSR, with exact enough products."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.errors import UserError

Array: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[Array, Array]  # a point and its multipliers
Matrix: TypeAlias = Any  # a float64 ndarray or a scipy.sparse CSR array, both two-dimensional

_ROWS_PER_BLOCK = 4096


def is_sparse(matrix: Any) -> bool:
    """Whether a matrix is one of SciPy's sparse ones; asking does not import SciPy."""
    return hasattr(matrix, "tocsr")


def as_matrix(values: Any, name: str) -> Matrix:
    """Check a matrix and return it as float64, dense or CSR.

    Parameters
    ----------
    values : array_like or scipy.sparse matrix, shape (n, d)
    name : str
        How the matrix is called in the error message.

    Returns
    -------
    ndarray of float64 or scipy.sparse.csr_array, shape (n, d)

    Raises
    ------
    UserError
        If it is not two-dimensional, is empty, or holds a value that is not finite.
    """
    if is_sparse(values):
        import scipy.sparse as sparse

        matrix = sparse.csr_array(values, dtype=np.float64)
        entries = matrix.data
    else:
        matrix = entries = np.ascontiguousarray(values, dtype=np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise UserError(f"{name} has shape {matrix.shape}: a non-empty matrix (n, d) is needed")
    if not np.isfinite(entries).all():
        raise UserError(f"{name} holds NaN or infinite entries: all entries must be finite")
    return matrix


def as_vector(values: ArrayLike, size: int, name: str) -> Array:
    """Check a vector of a given size and return it as float64.

    Parameters
    ----------
    values : array_like, shape (size,)
    size : int
    name : str
        How the vector is called in the error message.

    Returns
    -------
    ndarray of float64, shape (size,)

    Raises
    ------
    UserError
        If the shape is wrong or a value is not finite.
    """
    vector = np.array(values, dtype=np.float64)
    if vector.shape != (size,):
        raise UserError(f"{name} has shape {vector.shape}: ({size},) is needed")
    if not np.isfinite(vector).all():
        raise UserError(f"{name} holds NaN or infinite entries: all entries must be finite")
    return vector


def as_dense(matrix: Matrix) -> Array:
    """Return a dense float64 copy or view of a dense or sparse matrix (n, d)."""
    return np.asarray(matrix.toarray() if is_sparse(matrix) else matrix, dtype=np.float64)


def extended_product(matrix: Matrix, vector: Array) -> NDArray[np.longdouble]:
    """Product of a matrix (n, d) and a vector (d,) accumulated in extended precision.

    Margins of badly scaled data cancel eight digits or more; residuals taken in double precision
    would then be noise. Where long double is double (Windows, ARM) this is the plain product.

    Parameters
    ----------
    matrix : ndarray or sparse matrix, shape (n, d)
    vector : ndarray, shape (d,)

    Returns
    -------
    ndarray of longdouble, shape (n,)
    """
    wide = np.asarray(vector, dtype=np.longdouble)
    product = np.empty(matrix.shape[0], dtype=np.longdouble)
    for start in range(0, matrix.shape[0], _ROWS_PER_BLOCK):
        block = slice(start, start + _ROWS_PER_BLOCK)
        product[block] = matrix[block].astype(np.longdouble) @ wide
    return product


def term_sizes(matrix: Matrix, vector: Array) -> Array:
    """Size of the terms of each entry of a product, of which rounding is a fraction.

    Besides abs(A) abs(x) it holds what the largest term of any row becomes in a row: coordinates
    that ought to be zero are found only up to a fraction of it.

    Parameters
    ----------
    matrix : ndarray or sparse matrix, shape (n, d)
    vector : ndarray, shape (d,)

    Returns
    -------
    ndarray, shape (n,)
    """
    sizes = abs(matrix)
    columns = as_dense(sizes.max(axis=0)).ravel()
    share = np.divide(1.0, columns, out=np.zeros_like(columns), where=columns > 0.0)
    largest = float((columns * np.abs(vector)).max())
    return np.asarray(sizes @ np.abs(vector) + largest * (sizes @ share), dtype=np.float64)


def spread(values: Array, rows: NDArray[np.intp], size: int) -> Array:
    """Return a vector with some entries, and zero elsewhere."""
    full = np.zeros(size)
    full[rows] = values
    return full
