"""T0-01: large constant rates accelerate regularized logistic regression too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import objective, start
from optbench.elementwise import exp, log1p

SAMPLES, DIMENSION, MARGIN = 10, 4, 0.1
PENALTIES = np.geomspace(1e-3, 1e-5, 5)
TARGET = 1e-6  # of the gap at the start
SMALL = 4.0  # rows are at most 1 long, so that L <= 1/4 + penalty: half of 2 / L


class Penalty(NamedTuple):
    """The factor of ||w||^2 / 2."""

    weight: float


@claim(
    id="T0-01",
    title="Large stepsizes accelerate gradient descent for regularized logistic regression",
    citation="Wu, Marion, Bartlett 2025",
    arxiv="2506.02336",
    background="With an L2 penalty lambda the logistic loss of separable data has a minimizer, and "
    "a condition number of about 1 / lambda. Classical rates need that many steps, Nesterov's "
    "method its square root. So does plain gradient descent with a rate at which the objective "
    "first rises.",
    statement="On separable data with a small penalty lambda, gradient descent with a constant "
    "rate of order 1 / sqrt(lambda) reaches the minimum in a number of steps of order "
    "1 / sqrt(lambda), up to logarithms; with a rate of order 1 it takes 1 / lambda.",
    formula="eta ~ 1 / sqrt(lambda): t = O~(sqrt(kappa)), kappa ~ 1 / lambda",
    cost="normal",
    tags=("classification", "learning_rate", "logistic", "rate", "weight_decay"),
    perturbation={"large": False},
    then_fails=("steps sqrt(lambda)", "steps with rate 4"),
    remarks="Ten Gaussian points in R^4 with a margin of at least 0.1 in one coordinate, lambda "
    "from 1e-3 to 1e-5; steps to 1e-6 of the first gap, from the minimum found by Newton's method. "
    "The theorem's constants are not used, nor is its largest rate 1 / (lambda log 1 / lambda) "
    "measured.",
)
def large_rates_with_weight_decay(large: bool = True, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure steps to the minimum for five penalties, with rate 1 / sqrt(lambda) and 4."""
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = generator.standard_normal((SAMPLES, DIMENSION))
    rows[:, 0] = np.abs(rows[:, 0]) + MARGIN
    rows /= np.linalg.norm(rows, axis=1).max()
    fast = np.array([steps_to(rows, p, 1.0 / np.sqrt(p) if large else SMALL) for p in PENALTIES])
    slow = np.array([steps_to(rows, p, SMALL) for p in PENALTIES])
    cost = fast * np.sqrt(PENALTIES) / np.log(1.0 / PENALTIES)
    name = "steps sqrt(lambda) / log(1 / lambda), rate 1 / sqrt(lambda): at 1e-5 over at 1e-3"
    yield Check.at_most(name, cost[-1] / cost[0], 1.1, 1.0)
    name = "steps with rate 4 over those with the large one: at 1e-5 over at 1e-3"
    gain = slow / fast
    yield Check.at_least(name, gain[-1] / gain[0], 1.5)
    yield Check.at_least("steps with rate 4 over those with the large one, at 1e-5", gain[-1], 10.0)
    yield Curve(
        "Large rates need the square root of the steps",
        "1 / weight decay",
        "steps to 1e-6 of the first gap",
        (1.0 / PENALTIES).tolist(),
        {"rate 1 / sqrt(decay)": fast.tolist(), "rate 4": slow.tolist()},
        log="xy",
    )


def steps_to(rows: np.ndarray, penalty: float, rate: float) -> float:
    """Return the first recorded step from which on the gap stays below the target."""
    start_at, parameters = np.zeros(rows.shape[1]), Penalty(float(penalty))
    instance = objective(rows, penalized_logistic, parameters=parameters, start=start_at)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": rate}])
    horizon = int(100.0 / (rate * penalty))
    chunk.advance(horizon, steps=np.unique(np.geomspace(1, horizon, 300).astype(int)))
    steps, losses = chunk.records.steps, chunk.records.loss[:, 0]
    gap = losses[np.isfinite(losses)] - minimum(rows, penalty)  # at rest nothing is recorded
    above = np.flatnonzero(gap > TARGET * gap[0])
    return float(steps[above[-1] + 1]) if above[-1] + 1 < gap.size else np.inf


def minimum(rows: np.ndarray, penalty: float) -> float:
    """Return the least penalized loss, by Newton's method with halved steps."""

    def value(w: np.ndarray) -> float:
        return float(penalty / 2 * w @ w + np.logaddexp(0.0, -rows @ w).mean())

    w = np.zeros(rows.shape[1])
    for _ in range(100):
        tail = 1.0 / (1.0 + np.exp(rows @ w))
        gradient = penalty * w - rows.T @ tail / len(rows)
        hessian = (rows.T * (tail * (1.0 - tail))) @ rows / len(rows) + penalty * np.eye(w.size)
        step, part = np.linalg.solve(hessian, gradient), 1.0
        while value(w - part * step) > value(w) and part > 1e-9:
            part /= 2.0
        w = w - part * step
    return value(w)


def penalized_logistic(
    w: np.ndarray, data: np.ndarray, grad: np.ndarray, parameters: Penalty
) -> float:
    """Write the gradient and return mean log(1 + exp(-margin)) + weight/2 ||w||^2."""
    total = 0.0
    for j in range(w.size):
        grad[j] = parameters.weight * w[j]
        total += 0.5 * parameters.weight * w[j] * w[j]
    for i in range(data.shape[0]):
        margin = 0.0
        for j in range(w.size):
            margin += data[i, j] * w[j]
        tail = exp(-abs(margin))
        total += (log1p(tail) + max(-margin, 0.0)) / data.shape[0]
        slope = (tail if margin > 0.0 else 1.0) / (1.0 + tail) / data.shape[0]
        for j in range(w.size):
            grad[j] -= slope * data[i, j]
    return float(total)
