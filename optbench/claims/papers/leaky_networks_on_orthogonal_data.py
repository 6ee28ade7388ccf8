"""S4-03: on nearly orthogonal data a leaky ReLU network collapses to rank two, almost at once."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, objective, start
from optbench.elementwise import exp, log1p, sigmoid

Array = np.ndarray
SAMPLES, NEURONS, LEAK, ETA = 10, 50, 0.1, 20.0
DIMENSIONS = (2e3, 2e5, 2e7)
HORIZON = 3000
OUTPUTS = np.where(np.arange(NEURONS) % 2 == 0, 1.0, -1.0) / math.sqrt(NEURONS)


def leaky_network_loss(w: Array, data: Array, grad: Array, targets: Array, scratch: Array) -> float:
    """Mean of log(1 + exp(-y f(x))), f(x) = sum_r a_r s(w_r . x), theta = (w_1, ..., w_m).

    Data holds a sample x a row, targets its label y, scratch w_r . x of all neurons r.
    """
    samples = data.shape[0]
    size = 1.0 / math.sqrt(NEURONS)
    total = 0.0
    grad[:] = 0.0
    for i in range(samples):
        sample, label = data[i], targets[i]
        margin = 0.0
        for r in range(NEURONS):
            value = np.dot(w[r * samples : (r + 1) * samples], sample)
            scratch[r] = value
            value *= 1.0 if value > 0.0 else LEAK
            margin += label * (size if r % 2 == 0 else -size) * value
        total += log1p(exp(-abs(margin))) + max(-margin, 0.0)
        slope = -label * sigmoid(-margin) / samples
        for r in range(NEURONS):
            factor = slope * (size if r % 2 == 0 else -size)
            factor *= 1.0 if scratch[r] > 0.0 else LEAK
            into = grad[r * samples : (r + 1) * samples]
            for k in range(samples):
                into[k] += factor * sample[k]
    return float(total / samples)


@claim(
    id="S4-03",
    title="Implicit bias in leaky ReLU networks trained on high-dimensional data",
    citation="Frei, Vardi, Bartlett, Srebro, Hu 2022",
    arxiv="2210.07082",
    background="In high dimension random samples are nearly orthogonal. A network can then fit "
    "any labels, and the question is which of its many solutions training finds.",
    statement="On nearly orthogonal data a leaky ReLU network trained by gradient descent tends to "
    "a matrix of rank at most two in which all samples are support vectors; from a small start "
    "one step already collapses the stable rank.",
    formula="||W||_F^2 / ||W||_2^2 <= 2, sigma_3 / sigma_1 -> 0, y_i f(x_i) = y_j f(x_j)",
    cost="normal",
    tags=("network", "leaky_relu", "classification", "low_rank"),
    perturbation={"larger": 1e5},
    then_fails="d = 2e+07: stable rank after one step",
    remarks="The theorem asks that samples be the more orthogonal the more of them there are and "
    "the smaller the leak is; for 10 samples and leak 0.1 that is a dimension of 1e7. At 2e3 most "
    "instances, but not all, do what it says. Gaussian samples in R^d are, up to a rotation that "
    "nothing here sees, a triangular matrix of ten rows (Bartlett): the network is trained on "
    "that. Outside the span of the samples neurons keep their start, orthogonal rows of length "
    "5e-5; samples have length about 1.",
)
def leaky_networks_on_orthogonal_data(
    larger: float = 1.0, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 10 Gaussian samples in R^d, d = 2e3, 2e5, 2e7, random labels, 50 neurons."""
    shown, distances = {}, []
    for dimension in DIMENSIONS:
        generator = np.random.Generator(np.random.PCG64(seed))
        inputs = gaussian(dimension, generator)
        labels = generator.choice([-1.0, 1.0], SAMPLES)
        size = 5e-5 * larger
        first = size * generator.standard_normal((NEURONS, SAMPLES)) / math.sqrt(dimension)
        steps, weights = train(inputs, labels, first)
        values = np.sqrt(np.linalg.svd(weights, compute_uv=False) ** 2 + size**2)
        # the other neurons' directions have the start only
        rest = (NEURONS - SAMPLES) * size**2
        stable = (np.sum(values**2, axis=1) + rest) / values[:, 0] ** 2
        z = weights[-1] @ inputs.T
        margins = labels * (OUTPUTS @ np.where(z > 0.0, z, LEAK * z))
        apart = np.abs(margins / margins.mean() - 1.0).max()
        name = f"d = {dimension:g}"
        third = values[:, 2] / values[:, 0]
        yield Check.at_most(f"{name}: stable rank after one step", stable[1], 2.0)
        yield Check.at_most(f"{name}: largest stable rank from then on", stable[1:].max(), 2.0)
        early = third[np.searchsorted(steps, HORIZON // 100)]
        name = f"{name}: sigma_3 / sigma_1 at step {HORIZON} over that at {HORIZON // 100}"
        yield Check.below(name, third[-1] / early, 1.0)
        distances.append(apart)
        shown[f"d = {dimension:g}"] = third.tolist()
    # inner products of the samples, which is all that tells them apart, are N(0, 1/d); the slope
    # of a maximum over ten samples is measured between two pairs of dimensions
    slope = log_slope(np.array(DIMENSIONS), np.array(distances))
    name = "slope of the log of a margin's largest distance from the mean in log d"
    yield Check.between(name, slope, -0.6, -0.4, -0.5)
    yield Curve(
        title="A leaky ReLU network's first layer tends to rank two",
        x_label="steps",
        y_label="third / first singular value",
        x=steps[1:].tolist(),
        measured={name: line[1:] for name, line in shown.items()},
        log="xy",
    )


def gaussian(dimension: float, generator: np.random.Generator) -> Array:
    """Return ten samples N(0, 1/d), in coordinates of their span: Bartlett's triangular matrix."""
    inputs = np.tril(generator.standard_normal((SAMPLES, SAMPLES)), -1)
    np.fill_diagonal(inputs, np.sqrt(generator.chisquare(dimension - np.arange(SAMPLES))))
    return inputs / math.sqrt(dimension)


def train(inputs: Array, labels: Array, weights: Array) -> tuple[Array, Array]:
    """Return steps (R,) and weights (R, m, n)."""
    instance = objective(
        inputs,
        leaky_network_loss,
        targets=labels,
        scratch=NEURONS,
        layers=[(0, NEURONS, SAMPLES)],
        start=weights.ravel(),
    )
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": ETA}])
    chunk.advance(HORIZON, steps=np.unique(np.geomspace(1, HORIZON, 60).astype(int)))
    return chunk.records.steps, chunk.records.snapshots[:, 0].reshape(-1, NEURONS, SAMPLES)
