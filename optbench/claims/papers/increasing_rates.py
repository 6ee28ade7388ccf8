"""T0-03: prescribed rates that increase give faster than any power, without a rise of the loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import classification, start
from optbench.contract import Hyper, optimizer
from optbench.elementwise import exp
from optbench.references import max_margin

POINTS, DIMENSION, HORIZON = 6, 12, 4_000
GROWTH = 1.0


@optimizer(reference="Kale, Manupriya, Marion, Bach, Raj 2026, arXiv:2602.18946", homogeneous=True)
def increasing_gradient_descent(  # type: ignore[no-untyped-def]
    theta, grad, step, learning_rate=Hyper(1.0, degree=-1), growth=Hyper(1.0, low=0.0)
):
    """Take theta <- theta - learning_rate exp(growth sqrt(t)) g."""
    rate = learning_rate * exp(growth * step**0.5)
    for i in range(theta.size):
        theta[i] -= rate * grad[i]


@claim(
    id="T0-03",
    title="Exponential convergence of (stochastic) gradient descent for separable logistic "
    "regression",
    citation="Kale, Manupriya, Marion, Bach, Raj 2026",
    arxiv="2602.18946",
    background="On separable data the curvature falls with the loss, so that a rate which is safe "
    "at the start is needlessly small later. Rates that depend on the loss, or normalization, use "
    "that; so do rates that are prescribed and increase.",
    statement="Gradient descent with a prescribed increasing rate converges like a (stretched) "
    "exponential on separable data, and the loss falls at every step.",
    formula="eta_t = exp(c sqrt(t)): log L(w_t) ~ -c sqrt(t) (our derivation)",
    cost="normal",
    tags=("classification", "learning_rate", "logistic", "rate"),
    perturbation={"growth": 0.0},
    then_fails="slope of log loss against sqrt(t)",
    remarks="Only the abstract was at hand: the schedule exp(sqrt(t)) is ours, and so is its law: "
    "rate times loss is gamma^-2 d log(rate)/dt in the end, which falls to 0. Six Gaussian points "
    "in R^12, every step recorded. The stochastic half of the paper is not measured.",
)
def increasing_rates(growth: float = GROWTH, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure rates exp(sqrt(t)) for 4000 steps, to a loss of 1e-28."""
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = generator.standard_normal((POINTS, DIMENSION))
    rows /= np.linalg.norm(rows, axis=1).max()
    instance = classification(rows, "logistic")
    settings = {"learning_rate": 1.0, "growth": growth}
    chunk = start(instance, "linear", increasing_gradient_descent, [settings])
    chunk.advance(HORIZON, steps=np.arange(HORIZON + 1))
    steps, losses = chunk.records.steps, chunk.records.log_loss[:, 0]
    late = steps >= HORIZON // 4
    slope = np.polyfit(np.sqrt(steps[late]), losses[late], 1)[0]
    yield Check.close("slope of log loss against sqrt(t)", slope, -GROWTH, 0.1)
    yield Check.at_most("steps at which the loss rises", np.count_nonzero(np.diff(losses) > 0.0), 0)
    margin = max_margin(rows, 2.0).value
    # d log(rate) / dt = growth / (2 sqrt t)
    balance = np.exp(losses[-1] + GROWTH * np.sqrt(HORIZON)) * margin**2 * 2.0 * np.sqrt(HORIZON)
    yield Check.between(
        "rate loss gamma^2 / (d log(rate) / dt) at the end", balance, 0.8, 1.25, 1.0
    )
    shown = steps > 0
    yield Curve(
        "With increasing rates the loss falls like exp(-sqrt(t))",
        "sqrt(t), t the number of steps",
        "loss",
        np.sqrt(steps[shown]).tolist(),
        {"gradient descent, rate exp(sqrt(t))": np.exp(losses[shown]).tolist()},
        {"exp(-sqrt(t))": np.exp(-np.sqrt(steps[shown])).tolist()},
        log="y",
    )
