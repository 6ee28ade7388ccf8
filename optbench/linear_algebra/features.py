"""Products with the data matrix, which a kernel gets as the argument ``features``.

Inside the engine it is a handle, since data lie in layouts of its own; as plain Python it is a
NumPy matrix.  The compiled versions are in :mod:`optbench.engine.oracles.features`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

# What is done with the matrix.
TIMES, TRANSPOSED_TIMES, ABSOLUTE_TIMES, ABSOLUTE_TRANSPOSED_TIMES = range(4)

WRONG_SIZES = "products with features: x must have size d (features), y size n (rows)"


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
    _multiply(TIMES, features, vector, out)


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
    _multiply(TRANSPOSED_TIMES, features, vector, out)


def absolute_times(features: Any, vector: np.ndarray, out: np.ndarray) -> None:
    """Write ``|A| x`` to ``out``, A the features (n, d).

    Parameters
    ----------
    features
        The argument of that name.
    vector : ndarray, float64 (d,)
    out : ndarray, float64 (n,)
        Overwritten; another array than ``vector``.
    """
    _multiply(ABSOLUTE_TIMES, features, vector, out)


def absolute_transposed_times(features: Any, vector: np.ndarray, out: np.ndarray) -> None:
    """Write ``|A|^T y`` to ``out``, A the features (n, d).

    Parameters
    ----------
    features
        The argument of that name.
    vector : ndarray, float64 (n,)
    out : ndarray, float64 (d,)
        Overwritten; another array than ``vector``.
    """
    _multiply(ABSOLUTE_TRANSPOSED_TIMES, features, vector, out)


def _multiply(which: int, features: Any, vector: np.ndarray, out: np.ndarray) -> None:
    """Call the product of the data's layout, or of a NumPy matrix."""
    handle = isinstance(features, Features)
    rows, columns = (features.data.rows, features.columns) if handle else features.shape
    turned = which in (TRANSPOSED_TIMES, ABSOLUTE_TRANSPOSED_TIMES)
    if (vector.size, out.size) != ((rows, columns) if turned else (columns, rows)):
        raise ValueError(WRONG_SIZES)
    if handle:
        features.product(which, features.data, features.scratch, vector, out)
    else:
        matrix = features if which in (TIMES, TRANSPOSED_TIMES) else np.abs(features)
        np.matmul(matrix.T if turned else matrix, vector, out=out)
