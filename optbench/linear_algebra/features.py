"""Products with the data matrix, which a kernel gets as the argument ``features``.

Inside the engine it is a handle, since data lie in layouts of its own; as plain Python it is a
NumPy matrix.  The compiled versions are in :mod:`optbench.engine.oracles.features`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

# What is done with the matrix.
TIMES, TRANSPOSED_TIMES, ROW_SUMS, COLUMN_SUMS = range(4)


class Features(NamedTuple):
    """The handle: nothing of it is meant for kernels."""

    product: Any
    data: Any
    scratch: Any
    columns: int


def features_times(features: Any, vector: np.ndarray, out: np.ndarray) -> None:
    """Write ``A x`` to ``out``, A the features (n, d).

    Parameters
    ----------
    features
        The argument of that name.
    vector : ndarray, float64 (d,)
    out : ndarray, float64 (n,)
        Overwritten; another array than ``vector``.
    """
    rows, columns = _shape(features)
    if vector.size != columns or out.size != rows:
        raise ValueError("features_times: x must have size d and out size n")
    if isinstance(features, Features):
        _multiply(TIMES, features, vector, out)
    else:
        np.matmul(features, vector, out=out)


def transposed_times(features: Any, vector: np.ndarray, out: np.ndarray) -> None:
    """Write ``A^T y`` to ``out``, A the features (n, d).

    Parameters
    ----------
    features
        The argument of that name.
    vector : ndarray, float64 (n,)
    out : ndarray, float64 (d,)
        Overwritten; another array than ``vector``.
    """
    rows, columns = _shape(features)
    if vector.size != rows or out.size != columns:
        raise ValueError("transposed_times: y must have size n and out size d")
    if isinstance(features, Features):
        _multiply(TRANSPOSED_TIMES, features, vector, out)
    else:
        np.matmul(features.T, vector, out=out)


def absolute_sums(features: Any, by_row: np.ndarray, by_column: np.ndarray) -> None:
    """Write the sums of the absolute values of each row and of each column.

    Parameters
    ----------
    features
        The argument of that name.
    by_row : ndarray, float64 (n,)
        Overwritten.
    by_column : ndarray, float64 (d,)
        Overwritten.
    """
    rows, columns = _shape(features)
    if by_row.size != rows or by_column.size != columns:
        raise ValueError("absolute_sums: by_row must have size n and by_column size d")
    if isinstance(features, Features):
        _multiply(ROW_SUMS, features, by_row, by_row)
        _multiply(COLUMN_SUMS, features, by_column, by_column)
    else:
        np.sum(np.abs(features), axis=1, out=by_row)
        np.sum(np.abs(features), axis=0, out=by_column)


def _shape(features: Any) -> tuple[int, int]:
    if isinstance(features, Features):
        return features.data.rows, features.columns
    return int(features.shape[0]), int(features.shape[1])


def _multiply(which: int, features: Features, vector: np.ndarray, out: np.ndarray) -> None:
    features.product(which, features.data, features.scratch, vector, out)
