"""The constraints of several classes: one for each row of the data and each class that is not its.

Class c scores W_c . x, and a row x of class y has the margin (W_y - W_c) . x over class c: a linear
function of W (k, d), which lies row by row in a vector of k d numbers.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.errors import UserError
from optbench.references.arrays import Array, as_dense, as_matrix

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ClassPairs:
    """All pairs of a row and a class that is not its: in order of rows, then of classes.

    Attributes
    ----------
    features : ndarray, shape (n, d)
    labels : ndarray of int, shape (n,)
        0 ... classes - 1.
    classes : int
    """

    features: Array
    labels: Indices
    classes: int

    @functools.cached_property
    def pairs(self) -> tuple[Indices, Indices]:
        """The row and the class of each pair, arrays of shape (n (k - 1),)."""
        rows, classes = np.indices((self.labels.size, self.classes))
        other = classes != self.labels[:, None]
        return rows[other], classes[other]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return int(self.labels.size * (self.classes - 1))

    def constraints(self, chosen: Indices, scores: Array, features: Array) -> Array:
        """Rows of Z, with Z vec(V) the margins of chosen pairs where class c scores s_c V f.

        Parameters
        ----------
        chosen : ndarray of int, shape (m,)
        scores : ndarray, shape (k, a)
            s_c; the identity for V = W.
        features : ndarray, shape (n, b)
            f, one for each row of the data.

        Returns
        -------
        ndarray, shape (m, a b)
        """
        rows, classes = (each[chosen] for each in self.pairs)
        differences = scores[self.labels[rows]] - scores[classes]
        products = differences[:, :, None] * features[rows][:, None, :]
        return np.asarray(products.reshape(len(chosen), -1))

    def margins(self, W: Array) -> NDArray[np.longdouble]:
        """Margin of each pair, in extended precision."""
        rows, classes = self.pairs
        scores = self.features.astype(np.longdouble) @ W.T.astype(np.longdouble)
        margins: NDArray[np.longdouble] = scores[rows, self.labels[rows]] - scores[rows, classes]
        return margins

    def combined(self, weights: Array) -> Array:
        """Return sum_ic weights_ic (e_y - e_c) x_i^T (k, d), the slope of the weighted margins."""
        rows, classes = self.pairs
        table = np.zeros((self.labels.size, self.classes), dtype=np.longdouble)
        table[rows, classes] = -weights
        table[np.arange(self.labels.size), self.labels] = -table.sum(axis=1)
        return np.asarray(table.T @ self.features.astype(np.longdouble), dtype=np.float64)


def class_pairs(features: ArrayLike, labels: ArrayLike, classes: int | None = None) -> ClassPairs:
    """Check data of several classes.

    Parameters
    ----------
    features : array_like or scipy.sparse matrix, shape (n, d)
    labels : array_like of int, shape (n,)
        0 ... k - 1.
    classes : int, optional
        k, if it is more than the largest label and 1.

    Returns
    -------
    ClassPairs

    Raises
    ------
    UserError
        If a label is no class, or there are fewer than two.
    """
    X = as_dense(as_matrix(features, "features"))
    given = np.asarray(labels, dtype=np.float64)
    if given.shape != (X.shape[0],):
        raise UserError(f"labels have shape {given.shape}: ({X.shape[0]},) is needed")
    y = given.astype(np.intp)
    count = int(y.max()) + 1 if classes is None else int(classes)
    if (y != given).any() or y.min() < 0 or y.max() >= count or count < 2:
        raise UserError(f"labels must be whole numbers from 0 to {count - 1}, of 2 classes or more")
    return ClassPairs(X, y, count)
