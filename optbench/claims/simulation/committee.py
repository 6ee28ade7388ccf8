"""Two-unit soft committee machines: sum_i erf(J_i . x / sqrt 2), taught by one with B_n = e_n.

theta holds J_1 and J_2 in the space of the teacher's and student's weights, of dimension 4: with
Gaussian inputs the error depends on overlaps alone, whatever the dimension of the inputs
(Saad, Solla 1995, PRE 74:4337), so that this is on-line learning in the limit of small rates.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from optbench.claims.simulation.objectives import objective
from optbench.instance import Instance
from optbench.linear_algebra import solve_semidefinite

UNITS, SPACE = 2, 4
Array = np.ndarray


class Committee(NamedTuple):
    """Whether the natural gradient is written in place of the gradient."""

    natural: bool


def committee_loss(
    w: Array, data: Array, grad: Array, parameters: Committee, scratch: Array
) -> float:
    """Return E[(student - teacher)^2] / 2 and write its gradient, or F^+ gradient."""
    vectors = scratch[: 2 * UNITS * SPACE].reshape(2 * UNITS, SPACE)
    for a in range(2 * UNITS):
        for k in range(SPACE):
            vectors[a, k] = w[a * SPACE + k] if a < UNITS else data[a - UNITS, k]
    total = error_of(vectors, grad)
    if parameters.natural:
        size = UNITS * SPACE
        matrix = scratch[2 * size : 2 * size + size * size].reshape(size, size)
        fisher(vectors, matrix)
        solve_semidefinite(matrix, grad, scratch[2 * size + size * size :].reshape(size, size))
    return float(total)


@register_jitable  # type: ignore[untyped-decorator]
def inner(x: Array, y: Array) -> float:
    """Return x . y; NumPy's would allocate."""
    total = 0.0
    for k in range(x.size):
        total += x[k] * y[k]
    return total


@register_jitable  # type: ignore[untyped-decorator]
def error_of(vectors: Array, grad: Array) -> float:
    """Sum +-arcsin(C_ab / sqrt((1 + C_aa) (1 + C_bb))) / pi over units a, b; write its gradient."""
    total = 0.0
    for i in range(grad.size):
        grad[i] = 0.0
    for a in range(2 * UNITS):
        own = 1.0 + inner(vectors[a], vectors[a])
        for b in range(2 * UNITS):
            other = 1.0 + inner(vectors[b], vectors[b])
            root = math.sqrt(own * other)
            cosine = inner(vectors[a], vectors[b]) / root
            sign = (1.0 if a < UNITS else -1.0) * (1.0 if b < UNITS else -1.0) / math.pi
            total += sign * math.asin(cosine)
            if a < UNITS:  # the pair (b, a) counts as much, hence twice
                slope = 2.0 * sign / math.sqrt(1.0 - cosine * cosine)
                for k in range(SPACE):
                    change = vectors[b, k] / root - cosine * vectors[a, k] / own
                    grad[a * SPACE + k] += slope * change
    return total


@register_jitable  # type: ignore[untyped-decorator]
def fisher(vectors: Array, matrix: Array) -> None:
    """Write E[d_i f d_j f^T]: blocks (2 / pi) sqrt(det S) S, S = (I + J_i J_i^T + J_j J_j^T)^-1."""
    for i in range(UNITS):
        for j in range(UNITS):
            x, y = vectors[i], vectors[j]
            own, other, both = 1.0 + inner(x, x), 1.0 + inner(y, y), inner(x, y)
            determinant = own * other - both * both
            for k in range(SPACE):
                for m in range(SPACE):
                    lost = other * x[k] * x[m] + own * y[k] * y[m]
                    lost -= both * (x[k] * y[m] + y[k] * x[m])
                    entry = (1.0 if k == m else 0.0) - lost / determinant
                    entry *= 2.0 / (math.pi * math.sqrt(determinant))
                    matrix[i * SPACE + k, j * SPACE + m] = entry


def committee(natural: bool = False) -> Instance:
    """Build the population's error; gradient descent on it is natural where ``natural`` is."""
    size = UNITS * SPACE
    return objective(
        np.eye(UNITS, SPACE),
        committee_loss,
        parameters=Committee(natural),
        scratch=2 * size + 2 * size * size,
        start=np.zeros(size),
    )
