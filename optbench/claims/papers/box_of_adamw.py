"""T0-02: AdamW minimizes the loss in a box whose half-width is 1 / weight_decay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

SAMPLES, DIMENSION = 30, 8
DECAY = 2.0
HORIZON = 1_000_000
OPTIMUM = 1e-2  # of the gap between the best in the box and the best of all


@claim(
    id="T0-02",
    title="Implicit bias of AdamW: l_inf norm constrained optimization",
    citation="Xie, Li 2024",
    arxiv="2404.04454",
    background="Adam with an L2 penalty minimizes the penalized loss, to some approximation. AdamW "
    "shrinks the weights outside of Adam instead, and what it then minimizes was not known: the "
    "loss itself, in a box.",
    statement="Where AdamW converges with rates that do not increase and whose sum diverges, it "
    "converges to a KKT point of the loss over weights of at most 1 / weight_decay in absolute "
    "value; where the loss is convex that is its minimum there.",
    formula="w_t -> argmin { L(w): ||w||_inf <= 1 / lambda }",
    cost="normal",
    tags=("regression", "implicit_bias", "adamw", "weight_decay"),
    perturbation={"optimizer": "weight_decay"},
    then_fails="(loss - best in the box)",
    remarks="Least squares, 30 samples of R^8, of whose minimizer some coordinates are outside of "
    "the box (1 / lambda = 0.5). Rates 0.05 t^-0.5. The minimum in the box is that of SciPy's "
    "bounded least squares. beta2 = 0.99: the theorem asks for beta1 <= beta2 < 1.",
)
def box_of_adamw(optimizer: str = "adamw", seed: int = 0) -> Iterator[Check | Curve]:
    """Measure AdamW for 1e6 steps; the perturbation is gradient descent on loss + penalty."""
    from scipy.optimize import lsq_linear

    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((SAMPLES, DIMENSION))
    target = generator.uniform(-1.5, 1.5, DIMENSION)
    target[:2] = 1.0, 0.1  # one outside of the box, one inside
    targets = features @ target + 0.1 * generator.standard_normal(SAMPLES)
    box = 1.0 / DECAY
    best = lsq_linear(features, targets, (-box, box), method="bvls", tol=1e-14).x
    instance = regression(features, targets, 1.0 / SAMPLES)
    settings = {"learning_rate": 0.05, "weight_decay": DECAY}
    if optimizer == "adamw":
        settings |= {"decay": 0.5, "beta2": 0.99, "eps": 0.0}
    chunk = start(instance, "linear", optimizer, [settings])
    chunk.advance(HORIZON)
    steps, w = chunk.records.steps, chunk.records.snapshots[:, 0]

    def loss(predictor: np.ndarray) -> np.ndarray:
        return np.asarray(0.5 * np.mean((predictor @ features.T - targets) ** 2, axis=-1))

    free = loss(np.linalg.lstsq(features, targets, rcond=None)[0])
    size = np.abs(w).max(axis=1)
    yield Check.close("largest weight times lambda", size[-1] * DECAY, 1.0, 1e-2)
    scaled = (loss(w) - loss(best)) / (loss(best) - free)
    name = "(loss - best in the box) / (best in the box - best of all)"
    yield Check.between(name, scaled[-1], -OPTIMUM, OPTIMUM, 0.0)
    distance = np.linalg.norm(w - best, axis=1) / np.linalg.norm(best)
    yield Check.at_most("distance to the minimizer in the box, relative", distance[-1], 1e-2)
    yield Curve(
        "Decoupled weight decay leads to the minimizer in a box",
        "steps t",
        "relative distance to that minimizer",
        steps[1:].tolist(),
        {optimizer: distance[1:].tolist()},
        log="xy",
    )
