"""S0-13: gradient descent on logistic regression when only a part of the data is separable."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import classification, start


@claim(
    id="S0-13",
    title="Risk and parameter convergence of logistic regression",
    citation="Ji and Telgarsky 2018",
    arxiv="1803.07300",
    background="Real data is rarely separable, but a part of it may be. The paper shows that "
    "gradient descent on logistic loss then does two things at once: in the "
    "separable directions it grows like log t towards the max margin, in the others "
    "it converges to the unique minimiser.",
    statement="Gradient descent follows the max margin of the maximal separable subset, in the "
    "complement of the span S of the other points, plus an offset in S that minimises their risk.",
    formula="||P_S w_t - v|| = O(log t / sqrt t); P_perp w_t / ||P_perp w_t|| -> u; "
    "||P_perp w_t|| linear in log t",
    cost="fast",
    tags=("classification", "implicit_bias", "logistic"),
    perturbation={"optimizer": "sign_descent"},
    then_fails="direction: error of dw / d log t",
    remarks="A bound O(log t / sqrt t) says nothing of its constant: what is measured is that the "
    "offset falls at least as fast, from step 1e4 to 1e6. The direction converges like 1 / log t, "
    "so that its distance at any step is the instance's; that P_perp w grows like u log t / margin "
    "is measured by its velocity in log t.",
)
def logistic_regression_without_separability(
    optimizer: str = "gradient_descent", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 8 points in a plane of R^4 and 5 that the other two coordinates separate."""
    from optbench.references import logistic_decomposition

    rows = points(seed)
    parts = logistic_decomposition(rows)
    assert parts.offset is not None and parts.direction is not None
    instance = classification(rows, "logistic", separable=False)
    chunk = start(instance, "linear", optimizer, [{"learning_rate": 1.0}])
    chunk.advance(1_000_000)
    late = chunk.records.steps >= 100
    w, steps = chunk.records.snapshots[late, 0], chunk.records.steps[late]
    distance = np.linalg.norm(w[:, :2] - parts.offset.solution[:2], axis=1)
    bound = np.log(steps) / np.sqrt(steps)
    middle = int(np.searchsorted(steps, 10_000))
    growth = (distance[-1] / bound[-1]) / (distance[middle] / bound[middle])
    name = "offset: distance sqrt(t) / log t at t = 1e6 over that at 1e4"
    yield Check.at_most(name, growth, 1.0, 1.0)
    across = w[:, 2:]
    length = np.linalg.norm(across, axis=1)
    error = np.linalg.norm(across / length[:, None] - parts.direction.solution[2:], axis=1)
    name = "direction: distance at t = 1e6 over that at 1e4"
    predicted = np.log(steps[middle]) / np.log(steps[-1])
    # 1 / log t times a vector that still turns: not monotone on every instance
    yield Check.below(name, error[-1] / error[middle], 1.0, predicted, share=0.7)
    hat = parts.direction.solution[2:] / parts.direction.value
    gaps = []
    for begin, end in ((1e2, 1e4), (1e4, 1e6)):
        i, j = np.searchsorted(steps, (begin, end))
        velocity = (across[j] - across[i]) / np.log(steps[j] / steps[i])
        gaps.append(float(np.linalg.norm(velocity - hat) / np.linalg.norm(hat)))
    name = "direction: error of dw / d log t from t = 1e4 to 1e6"
    yield Check.reported(name, gaps[1])
    # points whose margin is hardly above the least one keep the error up for a while
    ratio = gaps[1] / gaps[0]
    yield Check.below(f"{name}, over that from 1e2 to 1e4", ratio, 1.0, share=0.9)
    yield picture(steps, distance, error)


def picture(steps: np.ndarray, distance: np.ndarray, error: np.ndarray) -> Curve:
    """Distances of offset and direction; the predicted rates begin where they do."""
    offset, direction = "offset, O(log t / sqrt t)", "direction, O(1 / log t)"
    bound = np.log(steps) / np.sqrt(steps)
    return Curve(
        "Offset and direction converge at least as fast as predicted",
        "steps t",
        "distance to the limit",
        steps.tolist(),
        {offset: distance.tolist(), direction: error.tolist()},
        {
            offset: (distance[0] / bound[0] * bound).tolist(),
            direction: (error[0] * np.log(steps[0]) / np.log(steps)).tolist(),
        },
        log="xy",
    )


def points(seed: int) -> np.ndarray:
    """Return the rows y_i x_i (13, 4); three at 120 degrees keep the plane from being separable."""
    generator = np.random.Generator(np.random.PCG64(seed))
    angles = np.arange(3) * 2.0 * np.pi / 3.0 + generator.uniform(0.0, 2.0 * np.pi)
    flat = np.zeros((8, 4))
    flat[:3, :2] = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    flat[3:, :2] = generator.standard_normal((5, 2))
    separable = generator.standard_normal((5, 4))
    separable[:, 2:] = generator.uniform(0.25, 1.75, (5, 2))
    return np.vstack([flat, separable])
