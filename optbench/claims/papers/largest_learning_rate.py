"""S3-10: the largest stable learning rate, and how far below it the best one is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start
from optbench.instance import Instance

LONG = 5000


@claim(
    id="S3-10",
    title="Practical recommendations for gradient-based training of deep architectures",
    citation="Bengio 2012",
    arxiv="1206.5533",
    background="A rule of practitioners says: use the largest learning rate that does not "
    "diverge, or half of it. On quadratics the threshold is 2 over the largest "
    "curvature, and the best constant rate lies within a factor of two below it.",
    statement="The best constant learning rate is usually within a factor of two of the largest "
    "one that does not diverge.",
    formula="gradient descent on a quadratic diverges above 2 / lambda_max; the best constant rate "
    "is 2 / (lambda_max + lambda_min), in [1/2, 1] of that",
    cost="normal",
    tags=("regression", "rate", "learning_rate"),
    perturbation={"optimizer": "heavy_ball"},
    then_fails="quadratic: largest stable rate",
    remarks="The paper gives the rule for networks; a quadratic is where it can be computed. "
    "Stable: the distance to the minimizer is smaller after 5,000 steps than at the start. Best: "
    "the least distance after 200 steps (least squares: 20, before it reaches rounding).",
)
def factor_of_two(optimizer: str = "gradient_descent", seed: int = 0) -> Iterator[Check | Curve]:
    """Measure curvatures 1 to 50 in 20 dimensions, and Gaussian least squares, n = 200, d = 10."""
    generator = np.random.Generator(np.random.PCG64(seed))
    curvatures = np.linspace(1.0, 50.0, 20)
    x = generator.standard_normal((200, 10))
    y = x @ generator.standard_normal(10) + generator.standard_normal(200)
    problems = {
        "quadratic": (regression(np.diag(np.sqrt(curvatures)), np.zeros(20)), np.ones(20), 200),
        "least squares": (regression(x, y, 1.0 / 200.0), np.zeros(10), 20),
    }
    for name, (instance, theta, horizon) in problems.items():
        hessian = instance.scale * instance.features.T @ instance.features
        eigenvalues = np.linalg.eigvalsh(hessian)
        critical = 2.0 / eigenvalues[-1]
        threshold = largest_stable(instance, theta, optimizer)
        yield Check.close(f"{name}: largest stable rate", threshold, critical, 1e-3)
        rates = threshold * np.linspace(0.02, 1.0, 491)  # steps of 0.2 %
        away = distances(instance, theta, optimizer, rates, horizon)
        share = rates[away.argmin()] / threshold
        yield Check.between(f"{name}: best rate / largest stable", share, 0.5, 1.0,
                            eigenvalues[-1] / (eigenvalues[0] + eigenvalues[-1]))  # fmt: skip
        if name == "quadratic":
            factors = np.abs(1.0 - rates[:, None] * eigenvalues) ** horizon
            yield Curve(
                title="The best learning rate is just below the largest stable one",
                x_label="learning rate / largest stable one",
                y_label="distance to the minimum, 200 steps",
                x=(rates / threshold)[::5].tolist(),
                measured={"gradient descent": away[::5].tolist()},
                predicted={"closed form": np.linalg.norm(factors, axis=1)[::5].tolist()},
                log="y",
            )


def distances(
    instance: Instance, theta: np.ndarray, optimizer: str, rates: np.ndarray, horizon: int
) -> np.ndarray:
    """Return the distance to the minimizer after ``horizon`` steps at each rate, inf if lost."""
    minimizer = np.linalg.lstsq(instance.features, instance.targets, rcond=None)[0]
    chunk = start(instance, "linear", optimizer, [{"learning_rate": r} for r in rates], theta)
    chunk.advance(horizon, steps=np.array([horizon]))
    with np.errstate(all="ignore"):
        away = np.linalg.norm(chunk.runs.theta - minimizer, axis=1)
    return np.where(np.isfinite(away), away, np.inf)


def largest_stable(instance: Instance, theta: np.ndarray, optimizer: str) -> float:
    """Return the largest rate whose distance shrinks, by three sweeps of 33 rates each."""
    low, high = 1e-3, 1e3
    for _ in range(3):
        rates = np.geomspace(low, high, 33)
        first = distances(instance, theta, optimizer, rates[:1], 0)
        shrinks = distances(instance, theta, optimizer, rates, LONG) < first
        last = int(np.flatnonzero(shrinks)[-1])
        low, high = rates[last], rates[last + 1]
    return float(low)
