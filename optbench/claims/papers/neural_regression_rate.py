"""S0-03: the error of a small network, the best of several starts, falls as theory wants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, objective, start
from optbench.elementwise import sigmoid

Array = np.ndarray
SIZES, REPEATS, STARTS = (50, 100, 200, 400), 10, 5
DIMENSION, NOISE, TEST, HORIZON = 2, 0.3, 2000, 4000
DIRECTIONS = np.array([[0.8, 0.6], [0.6, -0.8]])
SETTINGS = {"learning_rate": 0.1, "momentum": 0.9}


class Units(NamedTuple):
    """How many units the network has, and the penalty on their outputs."""

    units: int
    penalty: float


def unit_loss(w: Array, data: Array, grad: Array, targets: Array, parameters: Units) -> float:
    """Mean of (sum_k a_k sigmoid(v_k . x + b_k) + c - y)^2 / 2; theta = (v_k, b_k, a_k)_k, c."""
    units, inputs = parameters.units, data.shape[1]
    stride, samples = inputs + 2, targets.size
    total = 0.0
    for j in range(w.size):
        grad[j] = 0.0
    for k in range(units):
        a = w[k * stride + inputs + 1]
        grad[k * stride + inputs + 1] = parameters.penalty * a
        total += 0.5 * parameters.penalty * a * a
    for i in range(samples):
        residual = w[units * stride] - targets[i]
        for k in range(units):
            residual += w[k * stride + inputs + 1] * unit(w, data, i, k)
        total += 0.5 * residual * residual / samples
        slope = residual / samples
        grad[units * stride] += slope
        for k in range(units):
            value, at = unit(w, data, i, k), k * stride
            inside = slope * w[at + inputs + 1] * value * (1.0 - value)
            for j in range(inputs):
                grad[at + j] += inside * data[i, j]
            grad[at + inputs] += inside
            grad[at + inputs + 1] += slope * value
    return float(total)


@register_jitable  # type: ignore[untyped-decorator]
def unit(w: Array, data: Array, i: int, k: int) -> float:
    """Return the value of unit k at sample i."""
    inputs = data.shape[1]
    inside = w[k * (inputs + 2) + inputs]
    for j in range(inputs):
        inside += w[k * (inputs + 2) + j] * data[i, j]
    return float(sigmoid(inside))


@claim(
    id="S0-03",
    title="On the rate of convergence of a neural network regression estimate learned by gradient "
    "descent",
    citation="Braun, Kohler, Walk 2019",
    arxiv="1912.03921",
    background="How fast does a network's error fall with the number of samples, if it is found by "
    "gradient descent and not by magic? The paper's estimate takes the best of several starts.",
    statement="In a projection pursuit model the network of least empirical risk among gradient "
    "descents from random starts has the rate of a one-dimensional problem, up to logarithms.",
    formula="E (f_n - f)^2 <= c n^(-2p / (2p + 1)) for f = sum_k g_k(b_k . x), g_k of smoothness "
    "p >= 1: a slope of at most -2/3 in log n",
    cost="slow",
    tags=("network", "regression", "rate"),
    perturbation={"units": 1},
    then_fails="slope",
    remarks="sin(2 b_1 . x) + tanh(2 b_2 . x) in the square with noise 0.3: smooth, so that the "
    "rate may be as fast as 1/n. Six logistic units, five starts, 4000 steps of heavy ball, a "
    "penalty of 1e-4 on the outputs; 50 to 400 samples, ten repeats, whose mean is fitted. A "
    "small version: the paper's estimate has more units. The paper was not looked up: its statement "
    "is encoded as others quote it. One unit cannot represent two directions, and its error stays.",
)
def neural_regression_rate(units: int = 6) -> Iterator[Check | Curve]:
    """Measure ten repeats of 50, 100, 200 and 400 samples, five starts each."""
    generator = np.random.Generator(np.random.PCG64(0))
    errors = np.array(
        [[estimate(generator, size, units) for size in SIZES] for _ in range(REPEATS)]
    )
    best, typical = errors.mean(axis=0).T
    slope = log_slope(np.array(SIZES, dtype=float), best)
    yield Check.at_most(
        "slope of the error in the number of samples", slope, -2.0 / 3.0, -2.0 / 3.0
    )
    yield Curve(
        "The error falls faster than the rate of one dimension asks",
        "samples n",
        "mean squared error on new data",
        list(SIZES),
        {"best start": best.tolist(), "any start": typical.tolist()},
        {"n^(-2/3)": (best[0] * (np.array(SIZES) / SIZES[0]) ** (-2.0 / 3.0)).tolist()},
        "xy",
    )


def estimate(generator: np.random.Generator, samples: int, units: int) -> tuple[float, float]:
    """Return the error on new data of the start of least empirical risk, and of all starts."""
    inputs = generator.uniform(-1.0, 1.0, (samples, DIMENSION))
    targets = truth(inputs) + NOISE * generator.standard_normal(samples)
    new = generator.uniform(-1.0, 1.0, (TEST, DIMENSION))
    size = units * (DIMENSION + 2) + 1
    instance = objective(
        inputs, unit_loss, targets=targets, parameters=Units(units, 1e-4), start=np.zeros(size)
    )
    theta = np.zeros((STARTS, size))
    each = theta[:, :-1].reshape(STARTS, units, DIMENSION + 2)
    each[:, :, :DIMENSION] = 3.0 * generator.standard_normal((STARTS, units, DIMENSION))
    each[:, :, DIMENSION] = 2.0 * generator.standard_normal((STARTS, units))
    chunk = start(instance, "linear", "heavy_ball", [SETTINGS] * STARTS, theta)
    chunk.advance(HORIZON, steps=np.array([HORIZON]))
    found = chunk.records.snapshots[-1]
    risks = np.mean((outputs(found, inputs, units) - targets) ** 2, axis=1)
    errors = np.mean((outputs(found, new, units) - truth(new)) ** 2, axis=1)
    return float(errors[risks.argmin()]), float(errors.mean())


def truth(inputs: Array) -> Array:
    """Return f at inputs (n, 2)."""
    along = 2.0 * inputs @ DIRECTIONS.T
    return np.asarray(np.sin(along[:, 0]) + np.tanh(along[:, 1]))


def outputs(theta: Array, inputs: Array, units: int) -> Array:
    """Return the network's outputs (K, n)."""
    each = theta[:, :-1].reshape(len(theta), units, DIMENSION + 2)
    inside = each[:, :, :DIMENSION] @ inputs.T + each[:, :, DIMENSION, None]
    hidden = 1.0 / (1.0 + np.exp(-inside))
    return np.asarray((each[:, None, :, -1] @ hidden)[:, 0] + theta[:, -1:])
