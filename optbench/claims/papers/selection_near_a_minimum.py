"""S3-09: near a degenerate minimum gradient descent moves across the manifold, not along it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, start

WIDTHS = (4, 6, 3)
DISTANCES = np.array([1e-1, 3e-2, 1e-2, 3e-3, 1e-3])


@claim(
    id="S3-09",
    title="Theory of deep learning III: explaining the non-overfitting puzzle",
    citation="Poggio et al. 2018",
    arxiv="1801.00173",
    background="Around a degenerate minimum the loss is flat in some directions. To first "
    "order gradient descent does not move along them, so that it keeps what the "
    "start had there. The movement that remains is of second order in the distance "
    "to the valley, which the claim measures.",
    statement="Started near a degenerate minimum of zero loss, gradient descent behaves like its "
    "linearization: the part of the displacement in the null space stays, to second order.",
    formula="||P_null (theta_inf - theta_0)|| = O(||theta_0 - theta*||^2) (our derivation)",
    cost="fast",
    tags=("matrix", "deep_linear", "implicit_bias"),
    perturbation={"optimizer": "adagrad"},
    then_fails="slope of log motion in the null space",
)
def selection_near_a_minimum(
    optimizer: str = "gradient_descent", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure a 4-6-3 network with 3 samples that starts 1e-1 to 1e-3 from a minimum (seed 0)."""
    from optbench.claims.simulation.network import network

    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((4, 3))
    first, second = generator.standard_normal((6, 4)) / 2.0, generator.standard_normal((3, 6)) / 2.0
    minimum = np.concatenate([first.ravel(), second.ravel()])
    instance = network(WIDTHS, inputs, second @ first @ inputs)
    # rows: outputs (i, s); columns: entries of W_1 (j, k), then of W_2 (a, b)
    jacobian = np.hstack([
        np.einsum("ij,ks->isjk", second, inputs).reshape(9, 24),
        np.einsum("ia,bs->isab", np.eye(3), first @ inputs).reshape(9, 18),
    ])  # fmt: skip
    null = np.eye(42) - np.linalg.pinv(jacobian) @ jacobian
    direction = generator.standard_normal(42)
    direction /= np.linalg.norm(direction)
    theta = minimum + DISTANCES[:, None] * direction
    rates = [{"learning_rate": 0.02}] * DISTANCES.size
    chunk = start(instance, "linear", optimizer, rates, theta)
    chunk.advance(100_000)
    # what is left of the way, about 1e-8, is below the motion in the null space, 1e-6 and more
    yield Check.at_most("largest final loss", chunk.runs.loss.max(), 1e-15)
    moved = np.linalg.norm((chunk.runs.theta - theta) @ null, axis=1)
    slope = log_slope(DISTANCES, moved)
    yield Check.between("slope of log motion in the null space", slope, 1.9, 2.1, 2.0)
    across = np.linalg.norm(chunk.runs.theta - theta, axis=1)
    yield Check.between("slope of log motion", log_slope(DISTANCES, across), 0.9, 1.1)
    linearized = np.linalg.norm(direction - null @ direction)
    yield Curve(
        "Near a minimum almost nothing moves in the null space",
        "distance of the start to the minimum",
        "motion of the parameters",
        DISTANCES.tolist(),
        {"whole motion": across.tolist(), "in the null space": moved.tolist()},
        {
            "whole motion": (linearized * DISTANCES).tolist(),
            "in the null space": (moved[-1] * (DISTANCES / DISTANCES[-1]) ** 2).tolist(),
        },
        log="xy",
    )
