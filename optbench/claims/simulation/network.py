"""Networks with several outputs: scale/2 ||W_L ... W_1 A - B||_F^2 + decay/2 ||theta||^2.

theta holds W_1, ..., W_L row by row and is the predictor itself, so that every iterate is recorded.
An activation between the layers multiplies negative numbers by ``slope`` (1: linear, 0: ReLU).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numba.extending import register_jitable

from optbench.claims.simulation.layers import backward_layer, forward_layer
from optbench.claims.simulation.objectives import objective
from optbench.instance import Instance
from optbench.parametrizations.base import Parametrization, layer_table

Array = np.ndarray

# The one row of data: depth, samples, scale, decay, slope, whether values lie sample after sample;
# widths d_0 .. d_L, A, B, the outputs of all layers, and room for the derivatives in two layers.
_WIDTHS = 6


def network_loss(theta: Array, data: Array, gradient: Array) -> float:
    """Write the gradient and return the loss; see the docstring of this file."""
    numbers = data[0]
    depth, samples = int(numbers[0]), int(numbers[1])
    scale, decay = numbers[2], numbers[3]
    inputs = _WIDTHS + depth + 1
    size = int(numbers[_WIDTHS + depth]) * samples
    targets = inputs + int(numbers[_WIDTHS]) * samples
    top = forward(theta, numbers, inputs, targets + size)
    derivative = top + size
    total = 0.0
    for s in range(size):
        residual = numbers[top + s] - numbers[targets + s]
        total += residual * residual
        numbers[derivative + s] = scale * residual
    backward(theta, numbers, inputs, top, derivative, gradient)
    weights = 0.0
    for i in range(theta.size):
        weights += theta[i] * theta[i]
        gradient[i] += decay * theta[i]
    return float(0.5 * scale * total + 0.5 * decay * weights)


@register_jitable  # type: ignore[untyped-decorator]
def forward(theta: Array, numbers: Array, below: int, above: int) -> int:
    """Apply the layers, one output after the other from ``above``; return where the last is."""
    depth, samples, slope = int(numbers[0]), int(numbers[1]), numbers[4]
    offset = 0
    for layer in range(depth):
        columns, rows = int(numbers[_WIDTHS + layer]), int(numbers[_WIDTHS + layer + 1])
        forward_layer(
            theta[offset : offset + rows * columns],
            numbers[below : below + columns * samples],
            numbers[above : above + rows * samples],
            columns,
            slope if layer < depth - 1 else 1.0,
            numbers[5] != 0.0,
        )
        below, above = above, above + rows * samples
        offset += rows * columns
    return below


@register_jitable  # type: ignore[untyped-decorator]
def backward(
    theta: Array, numbers: Array, inputs: int, top: int, derivative: int, gradient: Array
) -> None:
    """Send the derivative in the outputs at ``top`` down the layers."""
    depth, samples, slope = int(numbers[0]), int(numbers[1]), numbers[4]
    offset = theta.size
    other = (derivative + numbers.size) // 2  # the room is twice the widest layer
    for layer in range(depth - 1, -1, -1):
        columns, rows = int(numbers[_WIDTHS + layer]), int(numbers[_WIDTHS + layer + 1])
        offset -= rows * columns
        below = inputs if layer == 0 else top - columns * samples
        backward_layer(
            theta[offset : offset + rows * columns],
            numbers[below : below + columns * samples],
            numbers[derivative : derivative + rows * samples],
            numbers[other : other + columns * samples],
            gradient[offset : offset + rows * columns],
            columns,
            numbers[5] != 0.0,
        )
        if slope != 1.0 and layer > 0:
            for s in range(columns * samples):
                numbers[other + s] *= 1.0 if numbers[below + s] > 0.0 else slope
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
) -> tuple[Instance, Parametrization]:
    """Build a network's objective and the layers of its theta.

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
    Instance, Parametrization
    """
    samples = inputs.shape[1]
    room = (sum(widths[1:]) + 2 * max(widths)) * samples
    head = [len(widths) - 1, samples, scale, decay, slope, by_sample, *widths]
    given = (inputs.T, targets.T) if by_sample else (inputs, targets)
    data = np.concatenate([head, *map(np.ravel, given), np.zeros(room)])
    return objective(data[None], network_loss), layers_of(widths)


def layers_of(widths: Sequence[int]) -> Parametrization:
    """Return what engine and optimizers know of theta = (W_1, ..., W_L): it starts at zero."""
    layers = layer_table(*zip(widths[1:], widths[:-1], strict=True))
    count = int((layers[:, 1] * layers[:, 2]).sum())
    return Parametrization(
        name="network",
        formula="theta = (W_1, ..., W_L)",
        forward=None,
        pull_back=None,
        layers=layers,
        initial=lambda w, generator: np.zeros(count),
        parameters=count,
        weight_matrices=True,
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
