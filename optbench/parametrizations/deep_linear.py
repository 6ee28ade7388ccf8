"""w = (W_L ... W_2 W_1)^T with one output: the deep linear network.

With s_l = W_L ... W_(l+1) (a row) and q_l = W_l ... W_1 g, the gradient is
dL/dW_l = s_l^T q_(l-1)^T: two passes over the layers, no matrix is multiplied by a matrix.

References
----------
Arora, Cohen, Golowich, Hu 2018, arXiv:1810.02281.
"""

from __future__ import annotations

import math

import numpy as np

from optbench.errors import UserError
from optbench.parametrizations.base import Parametrization, layer_table


def forward(theta, layers, scratch, w):
    """Multiply a row through the layers from the output down; keep s_l in ``scratch``."""
    depth = layers.shape[0]
    for run in range(theta.shape[0]):
        place = 0  # s_(depth-1) = 1, then s_(depth-2), ... one after the other
        scratch[run, 0] = 1.0
        for layer in range(depth - 1, -1, -1):
            offset, rows, columns = layers[layer, 0], layers[layer, 1], layers[layer, 2]
            following = place + rows
            for j in range(columns):
                scratch[run, following + j] = 0.0
            for i in range(rows):
                factor = scratch[run, place + i]
                for j in range(columns):
                    scratch[run, following + j] += factor * theta[run, offset + i * columns + j]
            place = following
        for j in range(w.shape[1]):
            w[run, j] = scratch[run, place + j]


def pull_back(theta, layers, scratch, gradient_w, gradient):
    """Push g through the layers from the input up; dL/dW_l = s_l^T q_(l-1)^T."""
    depth = layers.shape[0]
    for run in range(theta.shape[0]):
        place = 0
        for layer in range(depth):
            place += layers[layer, 1]
        into = place  # q_0 = g overwrites the copy of w
        for j in range(gradient_w.shape[1]):
            scratch[run, into + j] = gradient_w[run, j]
        out = into + gradient_w.shape[1]
        for layer in range(depth):
            offset, rows, columns = layers[layer, 0], layers[layer, 1], layers[layer, 2]
            place -= rows
            for i in range(rows):
                total = 0.0
                factor = scratch[run, place + i]
                for j in range(columns):
                    total += theta[run, offset + i * columns + j] * scratch[run, into + j]
                    gradient[run, offset + i * columns + j] = factor * scratch[run, into + j]
                scratch[run, out + i] = total
            into = out
            out += rows


def semi_orthogonal(rows: int, columns: int, generator: np.random.Generator) -> np.ndarray:
    """Return a uniformly random (rows, columns) matrix with orthonormal rows or columns."""
    tall = generator.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diag(r))
    return q if rows >= columns else q.T


def deep_linear(
    dimension: int, widths: tuple[int, ...] = (16,), scale: float = 0.1
) -> Parametrization:
    """Build the deep linear network ``dimension -> widths -> 1``.

    Parameters
    ----------
    dimension : int
        Size of the predictor w.
    widths : tuple of int
        Widths of the hidden layers.
    scale : float
        Each W_l starts as a random semi-orthogonal matrix times scale sqrt(rows / columns).
    """
    if not widths or min(widths) < 1:
        raise UserError(f"parametrization deep_linear: widths={widths} must be positive integers")
    if not scale > 0:
        raise UserError(f"parametrization deep_linear: scale={scale:g} must be positive")
    sizes = (dimension, *widths, 1)
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))

    def initial(w: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
        if w is not None and np.any(w):
            raise UserError("parametrization deep_linear: has no start at a given predictor")
        matrices = [
            scale * math.sqrt(rows / columns) * semi_orthogonal(rows, columns, generator)
            for rows, columns in shapes
        ]
        return np.concatenate([matrix.ravel() for matrix in matrices])

    return Parametrization(
        name=f"deep_linear:widths={'x'.join(map(str, widths))},scale={scale:g}",
        formula="w = " + " ".join(f"W{k}" for k in range(len(shapes), 0, -1)),
        forward=forward,
        pull_back=pull_back,
        layers=layer_table(*shapes),
        initial=initial,
        parameters=sum(rows * columns for rows, columns in shapes),
        scratch=2 * sum(sizes) + dimension,
        weight_matrices=True,
        starts_anywhere=False,
        selects={"classification": "l2"},
    )
