"""One layer of a network over all samples: its outputs, and the way of derivatives back through it.

The values of a layer lie either unit after unit or sample after sample.  The inner loops run along
what is contiguous, so that the first is fast for many samples and the second for wide layers.

Objectives are compiled with bounds checks, which keep loops from vectorising.  These loops take
the time and are compiled on their own, unchecked.
"""

from __future__ import annotations

import numpy as np
from numba import float64, int64, void
from numba.extending import register_jitable

from optbench.engine.compiler.cache import compile_kernel, kernel_id

Array = np.ndarray


@register_jitable  # type: ignore[untyped-decorator]
def forward_layer(
    weights: Array, inputs: Array, outputs: Array, columns: int, slope: float, by_sample: bool
) -> None:
    """Write s(W A), where the activation s multiplies negative numbers by ``slope``."""
    if by_sample:
        _forward_by_sample(weights, inputs, outputs, columns, slope)
    else:
        _forward_by_unit(weights, inputs, outputs, columns, slope)


@register_jitable  # type: ignore[untyped-decorator]
def backward_layer(
    weights: Array,
    inputs: Array,
    derivatives: Array,
    below: Array,
    gradient: Array,
    columns: int,
    by_sample: bool,
) -> None:
    """Write the derivatives D in W A on to the inputs, W^T D, and to the weights, D A^T."""
    if by_sample:
        _backward_by_sample(weights, inputs, derivatives, below, gradient, columns)
    else:
        _backward_by_unit(weights, inputs, derivatives, below, gradient, columns)


# Slices, because an index known to be in range(n) of its array needs no check for negative numbers.
def forward_by_unit(
    weights: Array, inputs: Array, outputs: Array, columns: int, slope: float
) -> None:
    """Add the inputs' rows, times their weights, to the row of each unit."""
    rows, samples = weights.size // columns, inputs.size // columns
    for i in range(rows):
        output = outputs[i * samples : (i + 1) * samples]
        output[:] = 0.0
        for j in range(columns):
            weight = weights[i * columns + j]
            entries = inputs[j * samples : (j + 1) * samples]
            for s in range(samples):
                output[s] += weight * entries[s]
        for s in range(samples):
            output[s] = output[s] if output[s] > 0.0 else slope * output[s]


def backward_by_unit(
    weights: Array, inputs: Array, derivatives: Array, below: Array, gradient: Array, columns: int
) -> None:
    """Go through the pairs of a unit and an input; sums run over samples."""
    rows, samples = weights.size // columns, inputs.size // columns
    below[:] = 0.0
    for i in range(rows):
        derivative = derivatives[i * samples : (i + 1) * samples]
        for j in range(columns):
            weight = weights[i * columns + j]
            entries = inputs[j * samples : (j + 1) * samples]
            sent = below[j * samples : (j + 1) * samples]
            product = 0.0
            for s in range(samples):
                product += derivative[s] * entries[s]
            for s in range(samples):
                sent[s] += weight * derivative[s]
            gradient[i * columns + j] = product


def forward_by_sample(
    weights: Array, inputs: Array, outputs: Array, columns: int, slope: float
) -> None:
    """Take the product of each unit's weights and each sample."""
    rows, samples = weights.size // columns, inputs.size // columns
    for i in range(rows):
        weight = weights[i * columns : (i + 1) * columns]
        for s in range(samples):
            sample = inputs[s * columns : (s + 1) * columns]
            total = 0.0
            for j in range(columns):
                total += weight[j] * sample[j]
            outputs[s * rows + i] = total if total > 0.0 else slope * total


def backward_by_sample(
    weights: Array, inputs: Array, derivatives: Array, below: Array, gradient: Array, columns: int
) -> None:
    """Go through the pairs of a unit and a sample; sums run over inputs."""
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


_VECTOR = float64[::1]
_READ = _VECTOR.copy(readonly=True)
_FORWARD = void(_READ, _READ, _VECTOR, int64, float64)
_BACKWARD = void(_READ, _READ, _READ, _VECTOR, _VECTOR, int64)
_forward_by_unit = compile_kernel(forward_by_unit, _FORWARD, kernel=kernel_id(forward_by_unit))
_backward_by_unit = compile_kernel(backward_by_unit, _BACKWARD, kernel=kernel_id(backward_by_unit))
_forward_by_sample = compile_kernel(
    forward_by_sample,
    _FORWARD,
    kernel=kernel_id(forward_by_sample),
    fastmath={"contract", "reassoc"},
)
_backward_by_sample = compile_kernel(
    backward_by_sample, _BACKWARD, kernel=kernel_id(backward_by_sample)
)
