"""Kernel-and-range learning: the layers of a network by least squares, without gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import Array

ACTIVATIONS = ("linear", "tanh")
_LARGEST = 0.9  # of the arguments of arctanh


def output_layer(inputs: ArrayLike, targets: ArrayLike, first: ArrayLike) -> Array:
    """Last layer of a two-layer linear network whose first layer is given: pinv(X W_1) Y.

    Parameters
    ----------
    inputs, targets : array_like, shape (n, d) and (n, k)
        X and Y, one sample a row.
    first : array_like, shape (d, h)
        W_1.

    Returns
    -------
    ndarray, shape (h, k)
        The W_2 of least norm that minimizes ||X W_1 W_2 - Y||_F.

    Raises
    ------
    UserError
        When the shapes do not fit.
    """
    X, Y = _samples(inputs, targets)
    W = np.asarray(first, dtype=float)
    if W.ndim != 2 or W.shape[0] != X.shape[1]:
        raise UserError(f"first layer of shape {W.shape}; it needs {X.shape[1]} rows")
    return np.asarray(np.linalg.pinv(X @ W) @ Y)


def layerwise_least_squares(
    inputs: ArrayLike,
    targets: ArrayLike,
    hidden: int,
    generator: np.random.Generator,
    activation: str = "linear",
) -> tuple[Array, Array]:
    """Learn f(X W_1) W_2 = Y in one pass of least squares, layer after layer.

    With R (h, k) standard normal, W_1 = pinv(X) f^-1(Y pinv(R)) solves f(X W_1) R = Y as if R were
    the last layer; then W_2 = pinv(f(X W_1)) Y.  For tanh, Y pinv(R) is first scaled to entries of
    at most 0.9.

    Parameters
    ----------
    inputs, targets : array_like, shape (n, d) and (n, k)
        X and Y, one sample a row.
    hidden : int
        Number h of hidden units.
    generator : numpy.random.Generator
        Draws R.
    activation : {"linear", "tanh"}
        f.

    Returns
    -------
    first, second : ndarray, shape (d, h) and (h, k)
        W_1 and W_2.

    Raises
    ------
    UserError
        For an unknown activation, no hidden unit or shapes that do not fit.

    References
    ----------
    Toh 2018, Gradient-free learning based on the kernel and the range space, arXiv:1810.11581.
    """
    X, Y = _samples(inputs, targets)
    if activation not in ACTIVATIONS:
        raise UserError(f"activation={activation!r}; known: {', '.join(ACTIVATIONS)}")
    if hidden < 1:
        raise UserError(f"hidden={hidden}; a network needs at least one hidden unit")
    wanted = Y @ np.linalg.pinv(generator.standard_normal((hidden, Y.shape[1])))
    if activation == "tanh":
        wanted = np.arctanh(_LARGEST * wanted / max(float(np.abs(wanted).max()), 1e-300))
    first: Array = np.asarray(np.linalg.pinv(X) @ wanted, dtype=np.float64)
    features = np.tanh(X @ first) if activation == "tanh" else X @ first
    return first, np.linalg.pinv(features) @ Y


def _samples(inputs: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    X, Y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y) or X.size == 0:
        raise UserError(
            f"inputs of shape {X.shape} and targets of shape {Y.shape}; "
            "both need two dimensions and as many rows"
        )
    return X, Y
