"""Where in a vector is what belongs to one weight matrix: its first place, rows and columns.

``layers`` has offset, rows and columns of each weight matrix in theta.
"""

from __future__ import annotations

import numpy as np


def place_of_layer(vector: np.ndarray, layers: np.ndarray, k: int) -> tuple[int, int, int]:
    """Return where weight matrix k is in theta."""
    _test(k, layers)
    return _inside(vector, layers[k, 0], layers[k, 1], layers[k, 2])


def place_of_rows(vector: np.ndarray, layers: np.ndarray, k: int) -> tuple[int, int, int]:
    """Return where the vector of its rows is, as one row."""
    _test(k, layers)
    start = 0
    for j in range(k):
        start += layers[j, 1]
    return _inside(vector, start, 1, layers[k, 1])


def place_of_columns(vector: np.ndarray, layers: np.ndarray, k: int) -> tuple[int, int, int]:
    """Return where the vector of its columns is, as one row."""
    _test(k, layers)
    start = 0
    for j in range(k):
        start += layers[j, 2]
    return _inside(vector, start, 1, layers[k, 2])


def place_of_rows_by_rows(vector: np.ndarray, layers: np.ndarray, k: int) -> tuple[int, int, int]:
    """Return where the square matrix of its rows is."""
    _test(k, layers)
    start = 0
    for j in range(k):
        start += layers[j, 1] * layers[j, 1]
    return _inside(vector, start, layers[k, 1], layers[k, 1])


def place_of_columns_by_columns(
    vector: np.ndarray, layers: np.ndarray, k: int
) -> tuple[int, int, int]:
    """Return where the square matrix of its columns is."""
    _test(k, layers)
    start = 0
    for j in range(k):
        start += layers[j, 2] * layers[j, 2]
    return _inside(vector, start, layers[k, 2], layers[k, 2])


def _test(k: int, layers: np.ndarray) -> None:
    if not 0 <= k < layers.shape[0]:
        raise IndexError("there is no such weight matrix")


def _inside(vector: np.ndarray, start: int, rows: int, columns: int) -> tuple[int, int, int]:
    if start + rows * columns > vector.size:
        raise IndexError("the slot is too small: declare it with the shape of this view")
    return int(start), int(rows), int(columns)
