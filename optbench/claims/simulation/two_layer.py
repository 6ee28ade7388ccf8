"""Networks with one trained layer: f(x) = sum_r a_r s(w_r . x), loss ||f(X) - y||^2 / 2.

The gradient is that of the loss, or an unbiased estimate from a batch of samples drawn with
replacement; the loss is that of all samples.

theta holds the rows w_1, ..., w_m and is the predictor itself; the outputs a_r = 1 / sqrt(m),
-1 / sqrt(m), 1 / sqrt(m), ... stay as they are.  The activation s is the ReLU.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from optbench.claims.simulation.objectives import objective
from optbench.instance import Instance
from optbench.random import integer

Array = np.ndarray


class Batch(NamedTuple):
    """Samples drawn for a gradient; 0 for all samples, each once."""

    batch: int


def two_layer_loss(
    w: Array, data: Array, grad: Array, parameters: Batch, scratch: Array, rng: Array
) -> float:
    """Write the gradient and return the loss.

    Data is X^T, one sample a column, and the targets below it; scratch holds residuals and one
    neuron's values.
    """
    inputs, samples = data.shape[0] - 1, data.shape[1]
    targets, residuals, values = data[inputs], scratch[:samples], scratch[samples:]
    neurons = w.size // inputs
    size = 1.0 / math.sqrt(neurons)
    for r in range(neurons):
        projections(w[r * inputs : (r + 1) * inputs], data, values)
        for i in range(samples):
            residuals[i] += (size if r % 2 == 0 else -size) * max(values[i], 0.0)
    total = 0.0
    for i in range(samples):
        residuals[i] -= targets[i]
        total += residuals[i] * residuals[i]
    if parameters.batch > 0:
        values[:] = 0.0
        for _ in range(parameters.batch):
            values[integer(rng, samples)] += samples / parameters.batch
        for i in range(samples):
            residuals[i] *= values[i]
    for r in range(neurons):
        projections(w[r * inputs : (r + 1) * inputs], data, values)
        for i in range(samples):
            slope = (size if r % 2 == 0 else -size) if values[i] > 0.0 else 0.0
            values[i] = slope * residuals[i]
        for k in range(inputs):
            product = 0.0
            for i in range(samples):
                product += values[i] * data[k, i]
            grad[r * inputs + k] = product
    return 0.5 * total


@register_jitable  # type: ignore[untyped-decorator]
def projections(weights: Array, data: Array, values: Array) -> None:
    """Write w . x of each sample."""
    values[:] = 0.0
    for k in range(weights.size):
        for i in range(values.size):
            values[i] += weights[k] * data[k, i]


def two_layer(inputs: Array, targets: Array, neurons: int, batch: int = 0) -> Instance:
    """Build the objective; it starts at zero.

    Parameters
    ----------
    inputs, targets : ndarray, float64 (n, d) and (n,)
    neurons : int
        m.
    batch : int
        Samples drawn for a gradient; 0 for all samples, each once.

    Returns
    -------
    Instance
    """
    samples, dimension = inputs.shape
    return objective(
        np.vstack([inputs.T, targets]),
        two_layer_loss,
        parameters=Batch(batch),
        scratch=2 * samples,
        layers=[(0, neurons, dimension)],
        start=np.zeros(neurons * dimension),
    )


def outputs(theta: Array, inputs: Array) -> Array:
    """Return f (..., n) of theta (..., m d) at inputs (n, d)."""
    rows = theta.reshape(*theta.shape[:-1], -1, inputs.shape[1])
    signs = np.where(np.arange(rows.shape[-2]) % 2 == 0, 1.0, -1.0) / math.sqrt(rows.shape[-2])
    return np.asarray(signs @ np.maximum(rows @ inputs.T, 0.0))


def limiting_kernel(inputs: Array) -> Array:
    """Return H (n, n), the tangent kernel of infinite width at unit inputs (n, d)."""
    cosines = np.clip(inputs @ inputs.T, -1.0, 1.0)
    return np.asarray(cosines * (math.pi - np.arccos(cosines)) / (2.0 * math.pi))
