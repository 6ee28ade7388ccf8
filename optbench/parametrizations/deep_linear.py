"""w = W_L ... W_2 W_1, row by row: the deep linear network, with one output or several.

With S_k = W_L ... W_(k+1) and Q_k = G (W_k ... W_1)^T, the gradient is dL/dW_k = S_k^T Q_(k-1),
where G is dL/dw as a matrix.  Gradient flow conserves W_(k+1)^T W_(k+1) - W_k W_k^T.
R(w) = L sum_i s_i^(2/L) over the singular values s of w (one output: L ||w||_2^(2/L)).

The layers start (option init) as random semi-orthogonal matrices times scale sqrt(rows / columns)
(orthogonal), with independent normal entries of standard deviation scale / sqrt(columns)
(gaussian), balanced with largest singular value scale (balanced), with common singular vectors and
singular values around scale of their own (aligned), as scale times random unit matrices of rank
one (one_neuron), or as scale times the identity (identity).

References
----------
Arora, Cohen, Golowich, Hu 2018, arXiv:1810.02281; R(w): Dai, Karzand, Srebro 2021 (NeurIPS).
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from optbench.options import suggest
from optbench.parametrizations.base import Parametrization, layer_table, require, require_scale
from optbench.parametrizations.initial_layers import INITIAL_LAYERS, semi_orthogonal
from optbench.parametrizations.matrices import as_matrix, multiply

__all__ = ["deep_linear", "semi_orthogonal"]

Array = np.ndarray


def forward(theta: Array, layers: Array, scratch: Array, w: Array) -> None:
    """Multiply from the output down; keep S_(L-1) = W_L, S_(L-2), ..., S_0 = w in ``scratch``."""
    depth = layers.shape[0]
    outputs = layers[depth - 1, 1]
    for run in range(theta.shape[0]):
        place, width, offset = 0, layers[depth - 1, 2], layers[depth - 1, 0]
        last, kept = theta[run, offset:], scratch[run]
        for i in range(outputs * width):
            kept[i] = last[i]
        for layer in range(depth - 2, -1, -1):
            offset, rows, columns = layers[layer, 0], layers[layer, 1], layers[layer, 2]
            above = as_matrix(scratch[run, place:], outputs, rows)
            place += outputs * rows
            below = as_matrix(scratch[run, place:], outputs, columns)
            multiply(above, as_matrix(theta[run, offset:], rows, columns), below)
        kept = scratch[run, place:]
        for i in range(w.shape[1]):
            w[run, i] = kept[i]


def pull_back(
    theta: Array, layers: Array, scratch: Array, gradient_w: Array, gradient: Array
) -> None:
    """Multiply G from the input up: Q_0 = G replaces S_0; then Q_1, ..., Q_(L-1) = dL/dW_L."""
    depth = layers.shape[0]
    outputs = layers[depth - 1, 1]
    for run in range(theta.shape[0]):
        place = 0
        for layer in range(1, depth):
            place += outputs * layers[layer, 2]
        into = place
        sent = scratch[run, into:]
        for i in range(gradient_w.shape[1]):
            sent[i] = gradient_w[run, i]
        for layer in range(depth - 1):
            offset, rows, columns = layers[layer, 0], layers[layer, 1], layers[layer, 2]
            place -= outputs * rows
            above = as_matrix(scratch[run, place:], outputs, rows)
            below = as_matrix(scratch[run, into:], outputs, columns)
            into += outputs * columns
            multiply(above.T, below, as_matrix(gradient[run, offset:], rows, columns))
            matrix = as_matrix(theta[run, offset:], rows, columns)
            multiply(below, matrix.T, as_matrix(scratch[run, into:], outputs, rows))
        own, sent = gradient[run, layers[depth - 1, 0] :], scratch[run, into:]
        for i in range(outputs * layers[depth - 1, 2]):
            own[i] = sent[i]


def deep_linear(
    dimension: int,
    widths: tuple[int, ...] = (16,),
    outputs: int = 1,
    init: str = "orthogonal",
    scale: float = 0.1,
) -> Parametrization:
    """Build the deep linear network ``dimension / outputs -> widths -> outputs``.

    Parameters
    ----------
    dimension : int
        Size of the predictor w.
    widths : tuple of int
        Widths of the hidden layers.
    outputs : int
        Rows of W_L ... W_1; it divides ``dimension``.
    init : str
        How the layers start: a name of :data:`INITIAL_LAYERS`.
    scale : float
        Size of the layers at the start.
    """
    name, text = "deep_linear", "x".join(map(str, widths))
    require(name, min(widths, default=0) >= 1, f"widths={widths} must be positive integers")
    require(
        name,
        outputs >= 1 and dimension % outputs == 0,
        f"outputs={outputs} must divide the {dimension} coordinates",
    )
    require(name, init in INITIAL_LAYERS, f"unknown init={init}{suggest(init, INITIAL_LAYERS)}")
    require_scale(name, scale)
    sizes = (dimension // outputs, *widths, outputs)
    shapes = [(rows, columns) for columns, rows in pairwise(sizes)]
    table = layer_table(*shapes)
    depth = len(shapes)

    def initial(w: Array | None, generator: np.random.Generator) -> Array:
        require(name, w is None or not np.any(w), "has no start at a given predictor")
        matrices = INITIAL_LAYERS[init](shapes, scale, generator)
        return np.concatenate([matrix.ravel() for matrix in matrices])

    extras = (f",outputs={outputs}" if outputs > 1 else "") + (
        f",init={init}" if init != "orthogonal" else ""
    )
    return Parametrization(
        name=f"deep_linear:widths={text}{extras},scale={scale:g}",
        formula="w = " + " ".join(f"W{k}" for k in range(depth, 0, -1)),
        forward=forward,
        pull_back=pull_back,
        layers=table,
        initial=initial,
        parameters=sum(rows * columns for rows, columns in shapes),
        scratch=outputs * (sum(sizes[:-1]) + sum(sizes[1:-1])),
        weight_matrices=True,
        starts_anywhere=False,
        selects={"classification": "l2"} if outputs == 1 else {},
        scale=scale,
        conserved=lambda theta: balance(theta, table),
        cost=lambda w: least_cost(w, outputs, depth, min(sizes)),
    )


def balance(theta: Array, layers: Array) -> Array:
    """Return W_(k+1)^T W_(k+1) - W_k W_k^T, which gradient flow conserves."""
    matrices = [
        theta[at : at + rows * columns].reshape(rows, columns) for at, rows, columns in layers
    ]
    return np.concatenate([(b.T @ b - a @ a.T).ravel() for a, b in pairwise(matrices)])


def least_cost(w: Array, outputs: int, depth: int, narrowest: int) -> float:
    """Return the least ||theta||^2 of w: depth times the Schatten quasi-norm to the 2 / depth."""
    values = np.linalg.svd(w.reshape(outputs, -1), compute_uv=False)
    if np.any(values[narrowest:] > 1e-12 * values[0]):
        return math.inf  # a hidden layer is narrower than the rank
    return float(depth * (values ** (2.0 / depth)).sum())
