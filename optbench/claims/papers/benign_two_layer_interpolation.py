"""S4-08: a two-layer linear network interpolates benignly when it starts small enough."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

SAMPLES, DIMENSION, HIDDEN = 30, 200, 30
VARIANCES = np.r_[np.ones(5), np.full(DIMENSION - 5, 0.05)]
TRUTH = np.r_[np.ones(5), np.zeros(DIMENSION - 5)] / np.sqrt(5.0)
NOISE = 0.3
STEPS = 8000


@claim(
    id="S4-08",
    title="The interplay between implicit bias and benign overfitting in two-layer linear networks",
    citation="Chatterji, Long, Bartlett 2021",
    arxiv="2108.11489",
    background="A two-layer linear network that interpolates noisy data can still predict "
    "well. How well depends on the size of its start: small ones give the least- "
    "norm interpolant, large ones a worse one.",
    statement="Gradient flow on a two-layer linear network interpolates; its excess risk is that "
    "of the least-norm interpolant from a small start and grows with the scale of the start.",
    formula="(w - w*)^T Sigma (w - w*) -> that of X^+ y as the scale of the start goes to 0",
    cost="normal",
    tags=("regression", "deep_linear", "implicit_bias", "generalization"),
    perturbation={"smallest": 0.1},
    then_fails="smallest scale",
    remarks="Every weight starts at scale times a standard normal number. The step is the "
    "inverse of a bound of the curvature; 8000 are taken. True weights, five equal ones of norm 1, "
    "are ours.",
)
def benign_two_layer_interpolation(
    smallest: float = 1e-3, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 30 samples, 200 inputs (5 unit variances, the others 0.05), 30 hidden units.

    ``smallest`` is the scale of the start from which the risk must be the least-norm one.
    """
    scales = np.array([smallest, 0.03, 0.1, 0.3, 1.0])
    risks, least, loss = interpolate(seed, scales)
    yield Check.at_most("largest final loss", loss, 1e-8)
    name = "smallest scale: relative difference to the least-norm risk"
    yield Check.at_most(name, abs(risks[0] / least - 1.0), 0.01)
    yield Check.at_least("scale 0.1: risk / least-norm risk", risks[2] / least, 1.0)
    yield Check.at_least("scale 1: risk / that from scale 0.1", risks[4] / risks[2], 1.0)
    # between two small scales noise of the start may turn the order
    growth = (risks[1:] / risks[:-1]).min()
    name = "risk: least ratio of one scale to the one before"
    yield Check.at_least(name, growth, 1.0, share=0.9)
    yield Curve(
        title="The smaller the start, the nearer to the least-norm risk",
        x_label="scale of the start",
        y_label="excess risk",
        x=scales.tolist(),
        measured={"gradient descent": risks.tolist()},
        predicted={"least-norm interpolant": [least] * len(scales)},
        log="xy",
    )


def interpolate(seed: int, scales: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the risks by scale, the risk of X^+ y, and the largest final loss."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((SAMPLES, DIMENSION)) * np.sqrt(VARIANCES)
    targets = features @ TRUTH + NOISE * generator.standard_normal(SAMPLES)
    first, second = (
        generator.standard_normal((HIDDEN, DIMENSION)),
        generator.standard_normal(HIDDEN),
    )
    least = np.linalg.pinv(features) @ targets
    # an upper bound of the curvature at the start and at a balanced interpolant
    weights = np.linalg.norm(first, 2) ** 2 + second @ second
    curvatures = scales**2 * weights + 2.0 * np.linalg.norm(least)
    curvatures *= np.linalg.norm(features, 2) ** 2 / SAMPLES
    chunk = start(
        regression(features, targets, 1.0 / SAMPLES),
        f"deep_linear:widths={HIDDEN}",
        "gradient_descent",
        [{"learning_rate": 1.0 / curvature} for curvature in curvatures],
        scales[:, None] * np.r_[first.ravel(), second],
    )
    chunk.advance(STEPS, steps=np.array([STEPS]))
    risks = ((chunk.runs.w - TRUTH) ** 2 * VARIANCES).sum(axis=1)
    least_risk = ((least - TRUTH) ** 2 * VARIANCES).sum()
    return risks, float(least_risk), float(np.exp(chunk.records.log_loss[-1].max()))
