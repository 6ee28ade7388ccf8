"""``network`` for wide layers: the same objective, several times faster.

Objectives are compiled with bounds checks, which keep loops from vectorising.  Here the two loops
that take the time are compiled on their own, unchecked, and run along the units of a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numba import float64, int64, void

from optbench.claims.simulation.network import network
from optbench.engine.cache import compile_kernel
from optbench.instance import Instance
from optbench.parametrizations.base import Parametrization

Array = np.ndarray

# The one row of data: depth, samples, scale, slope, widths d_0 .. d_L; then, sample after sample,
# inputs, targets, the outputs of all layers, and room for the derivatives in two layers.
_WIDTHS = 4
_VECTOR = float64[::1]


# Slices, because an index known to be in range(n) of its array needs no check for negative numbers.
def _forward(weights: Array, inputs: Array, outputs: Array, columns: int, slope: float) -> None:
    rows, samples = weights.size // columns, inputs.size // columns
    for i in range(rows):
        weight = weights[i * columns : (i + 1) * columns]
        for s in range(samples):
            sample = inputs[s * columns : (s + 1) * columns]
            total = 0.0
            for j in range(columns):
                total += weight[j] * sample[j]
            outputs[s * rows + i] = total if total > 0.0 else slope * total


def _backward(
    weights: Array, inputs: Array, derivatives: Array, below: Array, gradient: Array, columns: int
) -> None:
    rows, samples = weights.size // columns, inputs.size // columns
    gradient[:] = 0.0
    below[:] = 0.0
    for i in range(rows):
        weight = weights[i * columns : (i + 1) * columns]
        into = gradient[i * columns : (i + 1) * columns]
        for s in range(samples):
            derivative = derivatives[s * rows + i]
            sample = inputs[s * columns : (s + 1) * columns]
            sent = below[s * columns : (s + 1) * columns]
            for j in range(columns):
                into[j] += derivative * sample[j]
            for j in range(columns):
                sent[j] += derivative * weight[j]


_FOLDER = Path(__file__).resolve().parent
_forward_layer = compile_kernel(
    _forward,
    void(_VECTOR, _VECTOR, _VECTOR, int64, float64),
    plugin_folder=_FOLDER,
    fastmath={"contract", "reassoc"},
)
_backward_layer = compile_kernel(
    _backward,
    void(_VECTOR, _VECTOR, _VECTOR, _VECTOR, _VECTOR, int64),
    plugin_folder=_FOLDER,
)


def wide_network_loss(theta: Array, data: Array, gradient: Array) -> float:
    """Write the gradient and return the loss; see the docstring of this file."""
    numbers = data[0]
    depth, samples = int(numbers[0]), int(numbers[1])
    scale, slope = numbers[2], numbers[3]
    inputs = _WIDTHS + depth + 1
    targets = inputs + int(numbers[_WIDTHS]) * samples
    size = int(numbers[_WIDTHS + depth]) * samples
    below, above, offset = inputs, targets + size, 0
    for layer in range(depth):
        columns, rows = int(numbers[_WIDTHS + layer]), int(numbers[_WIDTHS + layer + 1])
        _forward_layer(
            theta[offset : offset + rows * columns],
            numbers[below : below + columns * samples],
            numbers[above : above + rows * samples],
            columns,
            slope if layer < depth - 1 else 1.0,
        )
        below, above = above, above + rows * samples
        offset += rows * columns
    derivative, other = above, (above + numbers.size) // 2  # the room is twice the widest layer
    total = 0.0
    for s in range(size):
        residual = numbers[below + s] - numbers[targets + s]
        total += residual * residual
        numbers[derivative + s] = scale * residual
    for layer in range(depth - 1, -1, -1):
        columns, rows = int(numbers[_WIDTHS + layer]), int(numbers[_WIDTHS + layer + 1])
        offset -= rows * columns
        below = inputs if layer == 0 else below - columns * samples
        _backward_layer(
            theta[offset : offset + rows * columns],
            numbers[below : below + columns * samples],
            numbers[derivative : derivative + rows * samples],
            numbers[other : other + columns * samples],
            gradient[offset : offset + rows * columns],
            columns,
        )
        if slope != 1.0 and layer > 0:
            for s in range(columns * samples):
                numbers[other + s] *= 1.0 if numbers[below + s] > 0.0 else slope
        derivative, other = other, derivative
    return float(0.5 * scale * total)


def wide_network(
    widths: Sequence[int], inputs: Array, targets: Array, scale: float = 1.0, slope: float = 1.0
) -> tuple[Instance, Parametrization]:
    """Build scale/2 ||f(A) - B||_F^2 and the layers of theta; see :func:`network`.

    Parameters
    ----------
    widths : sequence of int
        d_0, ..., d_L.
    inputs, targets : ndarray, float64 (d_0, n) and (d_L, n)
        A and B, one sample a column.
    scale : float
        Factor of ||f(A) - B||^2 / 2.
    slope : float
        Of the activation at negative numbers.

    Returns
    -------
    Instance, Parametrization
    """
    instance, parameters = network(widths, inputs, targets)
    samples = inputs.shape[1]
    head = [len(widths) - 1, samples, scale, slope, *widths]
    room = np.zeros((sum(widths[1:]) + 2 * max(widths)) * samples)
    data = np.concatenate([head, inputs.T.ravel(), targets.T.ravel(), room])
    return replace(instance, features=data[None], loss_and_grad=wide_network_loss), parameters
