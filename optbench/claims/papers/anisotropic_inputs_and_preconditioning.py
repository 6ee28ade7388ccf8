"""S3-16: anisotropic inputs slow gradient descent down; preconditioning repairs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, regression, start

CONDITIONS = (1.0, 10.0, 100.0, 1000.0)
TARGET = 1e-8


@claim(
    id="S3-16",
    title="Towards guided descent: optimization algorithms for training neural networks at scale",
    citation="Nagwekar 2025",
    arxiv="2512.18373",
    background="Inputs of different scales make the loss ill-conditioned, and gradient descent "
    "needs steps in proportion to the condition number. Preconditioning by the "
    "inverse covariance removes the dependence entirely. Adam is reported beside "
    "them: its step count is not monotone.",
    statement="The number of steps of gradient descent is proportional to the condition number of "
    "the inputs' covariance; preconditioned with its inverse it does not depend on it.",
    formula="steps to 1e-8 ~ condition number; with Sigma^-1 the same for all condition numbers",
    cost="normal",
    tags=("regression", "rate", "preconditioning"),
    perturbation={"precondition": False},
    then_fails="preconditioned",
)
def anisotropic_inputs_and_preconditioning(
    precondition: bool = True, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure steps to 1e-8 of the first loss: 200 samples, 10 inputs (seed 0)."""
    steps: dict[str, list[float]] = {"plain": [], "preconditioned": [], "adam": [], "rotated": []}
    for condition in CONDITIONS:
        features, rotated = inputs(condition, seed)
        targets = features @ np.random.Generator(np.random.PCG64([1, seed])).standard_normal(10)
        best = {"learning_rate": 2.0 / (1.0 + 1.0 / condition)}
        half = {"learning_rate": 0.5}
        slow = {"learning_rate": 0.1, "decay": 0.5}
        inverse = np.linalg.inv(features.T @ features / len(features))
        metric = inverse if precondition else np.eye(10)
        steps["plain"].append(steps_to(features, targets, "gradient_descent", best))
        steps["preconditioned"].append(
            steps_to(features, targets, "natural_gradient", half, metric)
        )
        steps["adam"].append(steps_to(features, targets, "adam", slow))
        steps["rotated"].append(steps_to(rotated, targets, "adam", slow))
    slope = log_slope(np.array(CONDITIONS[1:]), np.array(steps["plain"][1:], float))
    yield Check.between("gradient_descent: slope of log steps in log condition", slope, 0.95, 1.05)
    spread = max(steps["preconditioned"]) - min(steps["preconditioned"])
    yield Check.at_most("preconditioned: spread of the number of steps", spread, 1.0)
    for name in ("adam", "rotated"):
        for condition, count in zip(CONDITIONS, steps[name], strict=True):
            yield Check.reported(f"{name}: steps at condition {condition:g}", count)
    yield picture(steps)


def picture(steps: Mapping[str, list[float]]) -> Curve:
    """Steps against the condition number; an error shrinks by 1 - 2/k a step, or by one half."""
    measured = {
        "gradient descent": steps["plain"],
        "natural gradient": steps["preconditioned"],
        "Adam": steps["adam"],
        "Adam, inputs rotated": steps["rotated"],
    }
    halvings = -np.log(TARGET) / 2.0
    return Curve(
        "Preconditioning makes the condition number harmless",
        "condition number of the inputs' covariance",
        "steps to 1e-8 of the first loss",
        CONDITIONS,
        measured,
        {
            "gradient descent": [halvings * condition / 2.0 for condition in CONDITIONS],
            "natural gradient": [halvings / np.log(2.0)] * len(CONDITIONS),
        },
        log="xy",
    )


def inputs(condition: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (200, 10) with exactly this covariance, along the axes and rotated."""
    generator = np.random.Generator(np.random.PCG64(seed))
    white = np.linalg.qr(generator.standard_normal((200, 10)))[0] * np.sqrt(200.0)
    rotation = np.linalg.qr(generator.standard_normal((10, 10)))[0]
    features = white * np.sqrt(np.geomspace(1.0 / condition, 1.0, 10))
    return features, features @ rotation


def steps_to(
    features: np.ndarray,
    targets: np.ndarray,
    optimizer: str,
    hypers: Mapping[str, float],
    inverse: np.ndarray | None = None,
) -> float:
    """Return the step, to 1 % beyond 200, at which the loss is 1e-8 of the first; nan if never."""
    instance = regression(features, targets, 1.0 / len(features), inverse_fisher=inverse)
    chunk = start(instance, "linear", optimizer, [hypers])
    chunk.advance(30_000, steps=np.r_[:200, np.geomspace(200, 30_000, 500).astype(int)])
    fallen = chunk.records.log_loss[:, 0] - chunk.records.log_loss[0, 0]
    below = np.flatnonzero(fallen <= np.log(TARGET))
    return float(chunk.records.steps[below[0]]) if below.size else np.nan
