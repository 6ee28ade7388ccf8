"""S3-05: linear diagonal recurrent networks learn a memory with few units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, objective, start

Array = np.ndarray
LENGTH, UNITS, RATE, HORIZON, TARGET = 20, 16, 0.01, 60_000, 1e-4
MEMORIES = np.array([0.5, 0.7, 0.8, 0.9])


def recurrent_loss(w: Array, data: Array, grad: Array, scratch: Array) -> float:
    """Half the mean square of y_T - y*_T over white inputs; theta = (a, b, c).

    h_(t+1) = a o h_t + b x_t, y = c . h, so that y_T = sum_s k_s x_(T-1-s) with the memory
    k_s = sum_j c_j b_j a_j^s; data is one row, k*.
    """
    units, length = w.size // 3, data.shape[1]
    total = 0.0
    grad[:] = 0.0
    scratch[:] = 1.0  # a_j^s
    for s in range(length):
        kernel = 0.0
        for j in range(units):
            kernel += w[2 * units + j] * w[units + j] * scratch[j]
        residual = kernel - data[0, s]
        total += 0.5 * residual * residual
        for j in range(units):
            both = w[2 * units + j] * w[units + j]
            if s > 0:
                grad[j] += residual * both * s * scratch[units + j]
            grad[units + j] += residual * w[2 * units + j] * scratch[j]
            grad[2 * units + j] += residual * w[units + j] * scratch[j]
            scratch[units + j] = scratch[j]  # a_j^s, for s a_j^(s-1) of the next s
            scratch[j] *= w[j]
    return total


@claim(
    id="S3-05",
    title="Convergence of gradient descent for recurrent neural networks: a nonasymptotic analysis",
    citation="Cayci, Eryilmaz 2024",
    arxiv="2402.12241",
    background="A recurrent network keeps a memory of its inputs. The paper bounds how many units "
    "and how many steps gradient descent needs; both bounds grow with the memory, the number of "
    "units far less than earlier ones.",
    statement="Diagonal recurrent networks of few units learn a target memory by gradient descent, "
    "and need the more steps the longer it is.",
    formula="16 units reach a loss of 1e-4 for the memory rho^s, rho <= 0.9, s < 20; steps grow "
    "with 1 / (1 - rho)",
    cost="normal",
    tags=("recurrent", "rate", "width"),
    does_not_hold="slope of log steps",
    perturbation={"rate_exponent": 2.0},
    then_fails=(),
    remarks="Inputs are white, so that the loss is that of the memory and no sample is drawn. "
    "Units start at a_j uniform in [0, 0.9], b_j and c_j N(0, 1/16); the learning rate is 0.01. "
    "The paper proves an upper bound of the steps: that they fall does not contradict it, but "
    "what it grows with is not what is seen. With a learning rate proportional to (1 - rho)^2 "
    "they do grow.",
)
def diagonal_recurrent_networks(
    rate_exponent: float = 0.0, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 16 units on sequences of 20, memories of 0.5, 0.7, 0.8 and 0.9 a step."""
    generator = np.random.Generator(np.random.PCG64(seed))
    size = 1.0 / np.sqrt(UNITS)
    theta = np.concatenate([
        generator.uniform(0.0, 0.9, UNITS),
        size * generator.standard_normal(2 * UNITS),
    ])  # fmt: skip
    steps = np.array([reached(memory, theta, rate_exponent) for memory in MEMORIES])
    yield Check.below(f"most steps to {TARGET:g}", steps.max(), HORIZON)
    slope = log_slope(1.0 / (1.0 - MEMORIES), steps)
    # twice the memory, at least a tenth more steps: a growth that one would see
    yield Check.at_least("slope of log steps in log 1 / (1 - rho)", slope, 0.1, 1.0)
    yield Curve(
        "A longer memory does not take more steps to learn",
        "memory of the target (steps of time)",
        "steps to a loss of 1e-4",
        (1.0 / (1.0 - MEMORIES)).tolist(),
        {"gradient descent": steps.tolist()},
        {"in proportion": (steps[0] * (1.0 - MEMORIES[0]) / (1.0 - MEMORIES)).tolist()},
        log="xy",
    )


def reached(memory: float, theta: Array, rate_exponent: float) -> float:
    """Return the first recorded step with a loss of at most 1e-4, inf when there is none."""
    target = memory ** np.arange(LENGTH)
    instance = objective(target[None], recurrent_loss, scratch=2 * UNITS, start=theta)
    rate = RATE * (2.0 * (1.0 - memory)) ** rate_exponent
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": rate}])
    chunk.advance(HORIZON, steps=np.unique(np.geomspace(1, HORIZON, 1000).astype(int)))
    below = np.flatnonzero(chunk.records.log_loss[:, 0] <= np.log(TARGET))
    return float(chunk.records.steps[below[0]]) if below.size else np.inf
