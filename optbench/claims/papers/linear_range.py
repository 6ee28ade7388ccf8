"""S0-00: how far a gradient step stays in the linear range of a network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

WIDTHS = (5, 8, 3)
ETAS = np.geomspace(1e-4, 1e-1, 13)
RANGE = 0.3


@claim(
    id="S0-00",
    title="Linear range in gradient descent",
    citation="Ni and Talnikar 2019",
    arxiv="1905.04561",
    background="The gradient is the slope of the loss at one point; a step of finite length "
    "leaves the region in which that slope describes the network. The paper calls "
    "the region in which it does the linear range and proposes to choose the "
    "learning rate so that steps stay in it. For two linear layers the deviation "
    "has a closed form, so that the measured range can be compared number by "
    "number.",
    statement="A step is in the linear range when the outputs change as their tangent says; a good "
    "first learning rate keeps the step on every minibatch in it.",
    formula="e(eta) = ||(f(theta - eta g) - f(theta)) / eta + J g|| / ||J g|| = "
    "eta ||g_2 g_1 X|| / ||(g_2 W_1 + W_2 g_1) X|| for two linear layers ("
    "our derivation)",
    cost="normal",
    tags=("matrix", "deep_linear", "learning_rate"),
    perturbation={"optimizer": "sign_descent"},
    then_fails="largest e(eta)",
    remarks="Layers start with variance 1 / inputs; the three minibatches have 10 samples each; "
    "the largest tolerated e(eta) is 0.3.",
)
def linear_range(optimizer: str = "gradient_descent", seed: int = 0) -> Iterator[Check | Curve]:
    """Measure a 5-8-3 network on 30 Gaussian samples in three minibatches (seed 0)."""
    from optbench.claims.simulation.network import network

    generator = np.random.Generator(np.random.PCG64(seed))
    inputs, targets = generator.standard_normal((5, 30)), generator.standard_normal((3, 30))
    theta = np.concatenate([
        generator.standard_normal(40) / np.sqrt(5.0),
        generator.standard_normal(24) / np.sqrt(8.0),
    ])  # fmt: skip
    measured = nonlinearity(theta, inputs, targets, ETAS, optimizer)
    predicted = ETAS * slope(theta, inputs, targets)
    ratio = measured / predicted
    yield Check.between("least e(eta) / predicted", ratio.min(), 0.999, 1.001)
    yield Check.between("largest e(eta) / predicted", ratio.max(), 0.999, 1.001)
    yield Curve(
        "The longer a step, the further outputs leave their tangent",
        "learning rate",
        "relative deviation from the tangent, e",
        ETAS.tolist(),
        {optimizer: measured.tolist()},
        {"closed form": predicted.tolist()},
        log="xy",
    )
    batches = [(inputs[:, part], targets[:, part]) for part in np.split(np.arange(30), 3)]
    rate = min(largest_rate(theta, *batch, optimizer) for batch in batches)
    expected = min(RANGE / slope(theta, *batch) for batch in batches)
    yield Check.between("linear-range learning rate / predicted", rate / expected, 0.999, 1.001)
    instance = network(WIDTHS, inputs, targets, scale=1.0 / 30.0)
    chunk = start(instance, "linear", optimizer, [{"learning_rate": rate}], theta)
    chunk.advance(20, steps=np.arange(21))
    log_loss = chunk.records.log_loss[:, 0]
    yield Check.reported("largest change of the log loss in a step", np.diff(log_loss).max())
    name = "change of the log loss in 20 steps at that rate"
    # a rule of thumb: the tangent itself may be too steep
    yield Check.below(name, log_loss[-1] - log_loss[0], 0.0, share=0.9)


def slope(theta: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> float:
    """Return e(eta) / eta in closed form."""
    first, second = theta[:40].reshape(8, 5), theta[40:].reshape(3, 8)
    residual = (second @ first @ inputs - targets) / inputs.shape[1]
    down, up = second.T @ residual @ inputs.T, residual @ (first @ inputs).T
    tangent = (up @ first + second @ down) @ inputs
    return float(np.linalg.norm(up @ down @ inputs) / np.linalg.norm(tangent))


def nonlinearity(
    theta: np.ndarray, inputs: np.ndarray, targets: np.ndarray, etas: np.ndarray, optimizer: str
) -> np.ndarray:
    """Return e(eta) (K,) of one step of the engine for each eta."""
    from optbench.claims.simulation.network import network, product

    instance = network(WIDTHS, inputs, targets, scale=1.0 / inputs.shape[1])
    chunk = start(instance, "linear", optimizer, [{"learning_rate": eta} for eta in etas], theta)
    chunk.advance(0)
    gradient = chunk.runs.gradient[0].copy()
    chunk.advance(1)
    change = (product(chunk.runs.theta, WIDTHS) - product(theta, WIDTHS)) @ inputs
    # J g is the imaginary part of f(theta + i h g) / h: a complex step has no cancellation
    tangent = product(theta + 1e-30j * gradient, WIDTHS).imag / 1e-30 @ inputs
    error = change / etas[:, None, None] + tangent
    return np.asarray(np.linalg.norm(error, axis=(1, 2)) / np.linalg.norm(tangent))


def largest_rate(
    theta: np.ndarray, inputs: np.ndarray, targets: np.ndarray, optimizer: str
) -> float:
    """Return the largest learning rate with e(eta) <= 0.3, by 20 bisections of its logarithm."""
    low, high = -6.0, 2.0
    for _ in range(20):
        middle = (low + high) / 2.0
        inside = nonlinearity(theta, inputs, targets, np.array([10.0**middle]), optimizer)[0]
        low, high = (middle, high) if inside <= RANGE else (low, middle)
    return float(10.0**low)
