"""S1-09: weight normalization finds the sparse solution from a larger start, and sooner."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

SCALES = (0.2, 0.1, 0.01, 0.5)
RATE, HORIZON = 0.002, 300_000


@claim(
    id="S1-09",
    title="Robust implicit regularization via weight normalization",
    citation="Chou, Rauhut, Ward 2023",
    arxiv="2305.05448",
    background="Diagonal networks find sparse solutions only from impractically small initial "
    "weights. The paper trains length and direction of the weights apart, the length more slowly, "
    "and shows that the sparse bias then survives a start of ordinary size. From such a start the "
    "normalised network must find the sparse vector and the plain one must not.",
    statement="With u = r v / ||v|| and w = u o u, r trained more slowly than v, gradient descent "
    "finds the sparse solution from initial scales at which plain gradient descent on u does not, "
    "and in fewer steps; but only while ||w_0||_1 <= ||w*||_1.",
    formula="u_0 = alpha (1, ..., 1), eta_r / eta_v = 0.01: ||w - w*|| / ||w*|| at the limit",
    cost="normal",
    tags=("regression", "diagonal", "sparsity", "initialization"),
    seeds=10,
    perturbation={"parameters": "nonnegative:scale"},
    then_fails="alpha = 0.2: relative error over",
    remarks="Standard normal X, ||v|| = 1 for the rate eta_v. 'Fewer steps' is counted to loss "
    "1e-6, which both methods reach: plain descent never comes near the sparse solution, so that "
    "steps to it would measure the horizon. On some instances weight normalization has come to "
    "1e-5 only after 3e5 steps: its error is judged beside that of plain descent.",
)
def robust_weight_normalization(
    parameters: str = "weight_normalized:ratio=0.01,scale", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 20 equations for 50 unknowns, w* = (1, 2, 0, ...), eta_v = 0.002, 3e5 steps."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((20, 50))
    sparse = np.zeros(50)
    sparse[:2] = 1.0, 2.0
    rate = RATE * (0.01 if parameters.startswith("weight") else 1.0)  # that of r
    steps, ours, our_losses = errors(features, sparse, parameters, rate)
    _, plain, plain_losses = errors(features, sparse, "nonnegative:scale", RATE)
    saved = {}
    for column, scale in enumerate(SCALES[:3]):
        name = f"alpha = {scale:g}"
        yield Check.reported(f"{name}: relative error", ours[-1, column])
        yield Check.reported(f"{name}: relative error of plain descent", plain[-1, column])
        ratio = ours[-1, column] / plain[-1, column]
        yield Check.below(f"{name}: relative error over that of plain descent", ratio, 1.0)
        reached = [first(steps, losses[:, column] <= 1e-6) for losses in (plain_losses, our_losses)]
        saved[scale] = reached[0] / reached[1]
        name = f"{name}: steps to loss 1e-6, plain over ours"
        if scale == max(SCALES[:3]):
            yield Check.reported(name, saved[scale])
        else:
            yield Check.at_least(name, saved[scale], 1.0, share=0.9)
    name = "steps saved from the smallest alpha over those from the largest"
    yield Check.at_least(name, saved[SCALES[2]] / saved[SCALES[0]], 1.0, share=0.9)
    yield Check.at_least(
        "alpha = 0.5, where ||w_0||_1 > ||w*||_1: error over that of plain descent",
        ours[-1, 3] / plain[-1, 3],
        1.0,
    )
    yield Curve(
        "Weight normalization finds w* from larger starts",
        "steps",
        "relative error ||w - w*|| / ||w*||",
        list(steps[1:]),
        measured={
            f"{name}, start {scale:g}": list(values[1:, column])
            for name, values in (("normalized", ours), ("plain", plain))
            for column, scale in enumerate(SCALES[:3])
        },
        log="xy",
    )


def errors(
    features: np.ndarray, sparse: np.ndarray, parameters: str, rate: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return recorded steps (R,), relative errors and losses (R, 4) from the four scales."""
    from optbench.parametrizations import parametrization

    built = [parametrization(f"{parameters}={scale}", sparse.size) for scale in SCALES]
    theta = np.array([b.initial(None, np.random.default_rng(0)) for b in built])
    runs = [{"learning_rate": rate}] * len(SCALES)
    instance = regression(features, features @ sparse)
    chunk = start(instance, built[0], "gradient_descent", runs, theta)
    recorded = np.unique(np.geomspace(1, HORIZON, 200).astype(int))
    chunk.advance(HORIZON, steps=recorded)
    records = chunk.records
    distance = np.linalg.norm(records.snapshots - sparse, axis=2)
    # a run that came to rest earlier has no records after it
    last = np.linalg.norm(chunk.runs.w - sparse, axis=1)
    distance = np.where(np.isnan(distance), last, distance)
    return records.steps, distance / np.linalg.norm(sparse), np.exp(records.log_loss)


def first(steps: np.ndarray, reached: np.ndarray) -> float:
    """Return the first recorded step at which it is reached; nan when it never is."""
    return float(steps[np.argmax(reached)]) if reached.any() else float("nan")
