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


# Views of rows: an index that LLVM cannot prove to be non-negative costs it vector instructions.


def forward(theta, layers, scratch, w):
    """Multiply a row through the layers from the output down; keep s_l in ``scratch``."""
    depth = layers.shape[0]
    for run in range(theta.shape[0]):
        kept = scratch[run]
        place = 0  # s_(depth-1) = 1, then s_(depth-2), ... one after the other
        kept[0] = 1.0
        for layer in range(depth - 1, -1, -1):
            offset, rows, columns = layers[layer, 0], layers[layer, 1], layers[layer, 2]
            weights = theta[run, offset : offset + rows * columns]
            given, product = kept[place : place + rows], kept[place + rows :][:columns]
            product[:] = 0.0
            for i in range(rows):
                row = weights[i * columns : (i + 1) * columns]
                for j in range(columns):
                    product[j] += given[i] * row[j]
            place += rows
        predictor, product = w[run], kept[place:]
        for j in range(predictor.size):
            predictor[j] = product[j]


def pull_back(theta, layers, scratch, gradient_w, gradient):
    """Push g through the layers from the input up; dL/dW_l = s_l^T q_(l-1)^T."""
    depth = layers.shape[0]
    for run in range(theta.shape[0]):
        kept = scratch[run]
        place = 0
        for layer in range(depth):
            place += layers[layer, 1]
        into = place  # q_0 = g overwrites the copy of w
        g, q = gradient_w[run], kept[into:]
        for j in range(g.size):
            q[j] = g[j]
        out = into + g.size
        for layer in range(depth):
            offset, rows, columns = layers[layer, 0], layers[layer, 1], layers[layer, 2]
            place -= rows
            weights = theta[run, offset : offset + rows * columns]
            of_weights = gradient[run, offset : offset + rows * columns]
            q, s, product = kept[into:out], kept[place : place + rows], kept[out:][:rows]
            for i in range(rows):
                row = weights[i * columns : (i + 1) * columns]
                of_row = of_weights[i * columns : (i + 1) * columns]
                total = 0.0
                for j in range(columns):
                    total += row[j] * q[j]
                    of_row[j] = s[i] * q[j]
                product[i] = total
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
