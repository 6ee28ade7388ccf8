"""Views of one weight matrix, and of what a slot holds for it.

``layers`` is the oracle argument of that name: offset, rows and columns of each weight matrix.
What is written to a view is written to the vector.  The compiled views are in
:mod:`optbench.engine.data.matrices`.
"""

from __future__ import annotations

import numpy as np

from optbench.linear_algebra.places import (
    place_of_columns,
    place_of_columns_by_columns,
    place_of_layer,
    place_of_rows,
    place_of_rows_by_rows,
)


def as_matrix(vector: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return a view of the first numbers of ``vector`` as a matrix, row by row.

    Nothing tests that there are so many: compiled it costs nothing.
    """
    return vector[: rows * columns].reshape(rows, columns)


def layer(vector: np.ndarray, layers: np.ndarray, k: int) -> np.ndarray:
    """Return weight matrix k of theta, of the gradient or of a slot like theta.

    Parameters
    ----------
    vector : ndarray, float64 (p,)
    layers : ndarray, int64 (L, 3)
    k : int

    Returns
    -------
    ndarray, float64 (rows, columns)
        A view.
    """
    start, rows, columns = place_of_layer(vector, layers, k)
    return as_matrix(vector[start:], rows, columns)


def rows_by_rows(slot: np.ndarray, layers: np.ndarray, k: int) -> np.ndarray:
    """Return the square matrix of weight matrix k in a slot of shape "rows x rows"."""
    start, rows, columns = place_of_rows_by_rows(slot, layers, k)
    return as_matrix(slot[start:], rows, columns)


def columns_by_columns(slot: np.ndarray, layers: np.ndarray, k: int) -> np.ndarray:
    """Return the square matrix of weight matrix k in a slot of shape "columns x columns"."""
    start, rows, columns = place_of_columns_by_columns(slot, layers, k)
    return as_matrix(slot[start:], rows, columns)


def layer_rows(slot: np.ndarray, layers: np.ndarray, k: int) -> np.ndarray:
    """Return the vector of weight matrix k in a slot of shape "layer rows"."""
    start, _, size = place_of_rows(slot, layers, k)
    return slot[start : start + size]


def layer_columns(slot: np.ndarray, layers: np.ndarray, k: int) -> np.ndarray:
    """Return the vector of weight matrix k in a slot of shape "layer columns"."""
    start, _, size = place_of_columns(slot, layers, k)
    return slot[start : start + size]
