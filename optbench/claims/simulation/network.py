"""Networks with several outputs: scale/2 ||W_L ... W_1 A - B||_F^2 + decay/2 ||theta||^2.

theta holds W_1, ..., W_L row by row and is the predictor itself, so that every iterate is recorded.
An activation between the layers multiplies negative numbers by ``slope`` (1: linear, 0: ReLU).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable

from optbench.claims.simulation.layers import backward_layer, forward_layer
from optbench.claims.simulation.objectives import objective
from optbench.instance import Instance
from optbench.parametrizations.base import layer_table

Array = np.ndarray


class Network(NamedTuple):
    """What the kernel is told beside the data, which is one row: A, then B.

    The values of a layer lie sample after sample, or unit after unit.
    """

    widths: Array
    samples: int
    scale: float
    decay: float
    slope: float
    by_sample: bool


def network_loss(w: Array, data: Array, grad: Array, parameters: Network, scratch: Array) -> float:
    """Write the gradient and return the loss; see the docstring of this file.

    Scratch holds the outputs of all layers, then room for the derivatives in two layers.
    """
    widths, samples = parameters.widths, parameters.samples
    size = widths[-1] * samples
    targets = data[0, widths[0] * samples :]
    top = forward(w, data[0], parameters, scratch)
    derivative = top + size
    total = 0.0
    for s in range(size):
        residual = scratch[top + s] - targets[s]
        total += residual * residual
        scratch[derivative + s] = parameters.scale * residual
    backward(w, data[0], parameters, scratch, top, grad)
    weights = 0.0
    for i in range(w.size):
        weights += w[i] * w[i]
        grad[i] += parameters.decay * w[i]
    return float(0.5 * parameters.scale * total + 0.5 * parameters.decay * weights)


@register_jitable  # type: ignore[untyped-decorator]
def forward(w: Array, inputs: Array, parameters: Network, scratch: Array) -> int:
    """Apply the layers, one output after the other; return where in scratch the last is."""
    widths, samples = parameters.widths, parameters.samples
    last = widths.size - 2
    offset, below, above = 0, 0, 0
    for layer in range(last + 1):
        columns, rows = widths[layer], widths[layer + 1]
        source = inputs if layer == 0 else scratch
        forward_layer(
            w[offset : offset + rows * columns],
            source[below : below + columns * samples],
            scratch[above : above + rows * samples],
            columns,
            parameters.slope if layer < last else 1.0,
            parameters.by_sample,
        )
        below, above = above, above + rows * samples
        offset += rows * columns
    return below


@register_jitable  # type: ignore[untyped-decorator]
def backward(
    w: Array, inputs: Array, parameters: Network, scratch: Array, top: int, grad: Array
) -> None:
    """Send the derivative in the outputs at ``top``, which lies behind them, down the layers."""
    widths, samples, slope = parameters.widths, parameters.samples, parameters.slope
    offset = w.size
    derivative = top + widths[-1] * samples
    other = (derivative + scratch.size) // 2  # the room is twice the widest layer
    for layer in range(widths.size - 2, -1, -1):
        columns, rows = widths[layer], widths[layer + 1]
        offset -= rows * columns
        below = 0 if layer == 0 else top - columns * samples
        source = inputs if layer == 0 else scratch
        backward_layer(
            w[offset : offset + rows * columns],
            source[below : below + columns * samples],
            scratch[derivative : derivative + rows * samples],
            scratch[other : other + columns * samples],
            grad[offset : offset + rows * columns],
            columns,
            parameters.by_sample,
        )
        if slope != 1.0 and layer > 0:
            for s in range(columns * samples):
                scratch[other + s] *= 1.0 if scratch[below + s] > 0.0 else slope
        derivative, other = other, derivative
        top = below


def network(
    widths: Sequence[int],
    inputs: Array,
    targets: Array,
    scale: float = 1.0,
    decay: float = 0.0,
    slope: float = 1.0,
    by_sample: bool = False,
) -> Instance:
    """Build a network's objective; it starts at zero.

    Parameters
    ----------
    widths : sequence of int
        d_0, ..., d_L.
    inputs, targets : ndarray, float64 (d_0, n) and (d_L, n)
        A and B, one sample a column.
    scale, decay : float
        Factors of ||f(A) - B||^2 / 2 and ||theta||^2 / 2.
    slope : float
        Of the activation at negative numbers.
    by_sample : bool
        How the values of a layer are kept, which decides how sums are rounded: sample after
        sample, faster for wide layers, or unit after unit, faster for many samples.

    Returns
    -------
    Instance
    """
    samples = inputs.shape[1]
    given = (inputs.T, targets.T) if by_sample else (inputs, targets)
    layers = layer_table(*zip(widths[1:], widths[:-1], strict=True))
    sizes = np.array(widths, dtype=np.int64)
    numbers = (float(scale), float(decay), float(slope))
    return objective(
        np.concatenate([np.ravel(values) for values in given])[None],
        network_loss,
        parameters=Network(sizes, samples, *numbers, by_sample),
        scratch=int(sizes[1:].sum() + 2 * sizes.max()) * samples,
        layers=layers,
        start=np.zeros(int((layers[:, 1] * layers[:, 2]).sum())),
    )


def flat(matrices: Sequence[Array]) -> Array:
    """Return theta of the weight matrices W_1, ..., W_L."""
    return np.concatenate([np.ravel(matrix) for matrix in matrices])


def matrices(theta: Array, widths: Sequence[int]) -> list[Array]:
    """Return W_1, ..., W_L of theta (..., p), each (..., rows, columns)."""
    found: list[Any] = []
    offset = 0
    for columns, rows in pairwise(widths):
        part = theta[..., offset : offset + rows * columns]
        found.append(part.reshape(*theta.shape[:-1], rows, columns))
        offset += rows * columns
    return found


def product(theta: Array, widths: Sequence[int]) -> Array:
    """Return W_L ... W_1 (..., d_L, d_0)."""
    total, *rest = matrices(theta, widths)
    for matrix in rest:
        total = matrix @ total
    return total
