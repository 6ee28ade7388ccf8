"""S4-04: how many linear regions a univariate ReLU network has after training."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import objective, start
from optbench.elementwise import exp, log1p, sigmoid

Array = np.ndarray
NEURONS, SAMPLES, CHANGES, RATE, HORIZON = 200, 100, 3, 0.5, 5000


def univariate_loss(w: Array, data: Array, grad: Array, targets: Array) -> float:
    """Mean logistic loss of f(x) = sum_j a_j max(v_j x + b_j, 0) / sqrt(m), theta = (v, b, a)."""
    neurons, samples = w.size // 3, targets.size
    size = 1.0 / math.sqrt(neurons)
    total = 0.0
    grad[:] = 0.0
    for i in range(samples):
        x, label, output = data[i, 0], targets[i], 0.0
        for j in range(neurons):
            output += size * w[2 * neurons + j] * max(w[j] * x + w[neurons + j], 0.0)
        margin = label * output
        total += log1p(exp(-abs(margin))) + max(-margin, 0.0)
        slope = -label * sigmoid(-margin) * size / samples
        for j in range(neurons):
            value = w[j] * x + w[neurons + j]
            if value > 0.0:
                grad[2 * neurons + j] += slope * value
                grad[j] += slope * w[2 * neurons + j] * x
                grad[neurons + j] += slope * w[2 * neurons + j]
    return float(total / samples)


@claim(
    id="S4-04",
    title="On the effective number of linear regions in shallow univariate ReLU networks",
    citation="Safran, Vardi, Lee 2022",
    arxiv="2205.09072",
    background="A network of many ReLU units in one variable is a line with a kink for every unit. "
    "If the labels change sign only a few times, a few kinks would do: the paper shows that the "
    "limit of gradient flow has no more than that, whatever the width.",
    statement="Trained on labels whose sign changes r times, a univariate ReLU network ends with "
    "O(r) linear regions.",
    formula="kinks within the samples whose slope changes by more than 1 % of the largest change: "
    "at most 8 r",
    cost="normal",
    tags=("network", "relu", "classification"),
    seeds=10,
    does_not_hold="linear regions after",
    perturbation={"scale": 1e-3},
    then_fails=(),
    remarks="Kinks of neurons on the same side of the same sample belong to one: changes of slope "
    "between neighbouring samples are added up. The theorem is about the limit of gradient flow, "
    "of which 5,000 steps from a start of ordinary size are far; the tolerance of 1 % and the "
    "factor 8 are ours. From a start a hundred times smaller the neurons turn to few directions "
    "before they grow, and the count is below 8 r.",
)
def linear_regions(scale: float = 1.0, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure 200 ReLU units on 100 points of [-1, 1], labels with 3 changes of sign."""
    generator = np.random.Generator(np.random.PCG64(seed))
    points = np.sort(generator.uniform(-1.0, 1.0, SAMPLES))
    labels = np.where(np.floor((points + 1.0) / 2.0 * (CHANGES + 1)) % 2 == 0.0, 1.0, -1.0)
    theta = scale * generator.standard_normal(3 * NEURONS)
    instance = objective(points[:, None], univariate_loss, targets=labels, start=theta)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": RATE}])
    chunk.advance(HORIZON, steps=np.unique(np.geomspace(10, HORIZON, 30).astype(int)))
    counts = np.array([regions(theta, points) for theta in chunk.records.snapshots[:, 0]])
    yield Check.reported("logistic loss at the end", np.exp(chunk.records.log_loss[-1, 0]))
    for which, name in enumerate(("linear regions", "changes between samples added up: regions")):
        name = f"{name} after {HORIZON} steps"
        yield Check.at_most(name, counts[-1, which], 8 * CHANGES, CHANGES + 1)
    yield Curve(
        "Training leaves few linear regions between the samples",
        "steps",
        "linear regions of 200 ReLU units",
        chunk.records.steps.tolist(),
        {"every kink": counts[:, 0].tolist(), "between samples": counts[:, 1].tolist()},
        {"8 r": [8.0 * CHANGES] * len(counts)},
        log="x",
    )


def regions(theta: Array, points: Array) -> tuple[int, int]:
    """Return 1 + the number of kinks, and of gaps between samples, where the slope changes.

    By more than 1 % of the largest change; in a gap changes are added up.
    """
    weights, biases, outer = theta.reshape(3, NEURONS)
    kinks, change = -biases / weights, outer * np.abs(weights)
    place = np.searchsorted(points, kinks)
    inside = (place > 0) & (place < points.size)
    sums = np.abs(np.bincount(place[inside], change[inside], minlength=points.size))
    each = np.abs(change[inside])
    kinks_that_count, gaps = (int(np.sum(found > 0.01 * found.max())) for found in (each, sums))
    return 1 + kinks_that_count, 1 + gaps
