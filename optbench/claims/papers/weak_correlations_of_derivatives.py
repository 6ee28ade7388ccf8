"""S0-17: wide networks are nearly linear in their parameters, as derivatives hardly correlate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, start

Array = np.ndarray
WIDTHS = np.array([32, 128, 512, 2048])
SAMPLES, DIMENSION, STARTS, RATE, HORIZON = 8, 10, 10, 2.0, 60


@claim(
    id="S0-17",
    title="Weak correlations as the underlying principle for linearization of gradient-based "
    "learning systems",
    citation="Shem-Ur, Oz 2024",
    arxiv="2401.04013",
    background="A wide network trains as if it were linear in its parameters. The paper traces "
    "this to a property of the start: first and higher derivatives of the outputs are hardly "
    "correlated, and how weakly decides how far training leaves the linear model.",
    statement="The second derivative, applied to a gradient, falls with the width of a network "
    "like 1 / sqrt(m), and so does the largest distance between its outputs and those of its "
    "linearization during training.",
    formula="|H(x) g| / |g| ~ m^(-1/2), H = d^2 f / dtheta^2, g = df(x') / dtheta; "
    "sup_t |f_t - f_t^lin| ~ m^(-1/2)",
    cost="normal",
    tags=("network", "tanh", "lazy", "width"),
    seeds=10,
    does_not_hold="slope of log sup |f - f_lin|",
    perturbation={"exponent": -1.0},
    then_fails=(),
    remarks="Root mean squares over ten starts; their slope over six octaves has a standard error "
    "of 0.05, a third of the tolerance. The paper bounds the distance from above: it does fall, "
    "but like 1 / m. Units of both signs cancel in the second order, a sum of m terms of size "
    "m^(-3/2), of which sqrt(m) remain.",
)
def weak_correlations_of_derivatives(
    exponent: float = -0.5, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure tanh networks of width 32 to 2048 on 8 unit inputs in R^10 with random labels.

    ``exponent`` is what the distance is compared with.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((SAMPLES, DIMENSION))
    inputs /= np.linalg.norm(inputs, axis=1)[:, None]
    labels = generator.choice([-1.0, 1.0], SAMPLES)
    curvatures, distances = [], []
    for width in WIDTHS:
        theta = np.hstack([
            generator.standard_normal((STARTS, width * DIMENSION)),
            generator.choice([-1.0, 1.0], (STARTS, width)),
        ])  # fmt: skip
        curvatures.append(rms([curvature(row, inputs) for row in theta]))
        distances.append(rms(distance_to_linear(theta, inputs, labels)))
    for name, found, law in (
        ("|H g| / |g|", curvatures, -0.5),
        ("sup |f - f_lin|", distances, exponent),
    ):
        slope = log_slope(WIDTHS, np.array(found))
        yield Check.between(f"slope of log {name} in log m", slope, law - 0.15, law + 0.15, law)
    yield Curve(
        "The wider a network, the more linear in its parameters",
        "width m",
        "root mean square over samples",
        WIDTHS.tolist(),
        {"distance to linearized": distances, "curvature |H g| / |g|": curvatures},
        {"width^(-1/2)": (distances[0] * np.sqrt(WIDTHS[0] / WIDTHS)).tolist()},
        log="xy",
    )


def rms(values: list[float]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def layers(theta: Array, inputs: Array) -> tuple[Array, Array, Array]:
    """Return tanh(w . x) (..., n, m), its derivative, and the output weights (..., 1, m)."""
    width = theta.shape[-1] // (DIMENSION + 1)
    weights = theta[..., : width * DIMENSION].reshape(*theta.shape[:-1], width, DIMENSION)
    values = np.tanh(inputs @ np.swapaxes(weights, -1, -2))
    return values, 1.0 - values**2, theta[..., None, width * DIMENSION :]


def curvature(theta: Array, inputs: Array) -> float:
    """Return |H g| / |g|, H = d^2 f(x_1) / dtheta^2, g = df(x_2) / dtheta, in closed form."""
    values, slopes, second = layers(theta, inputs[:2])
    size = math.sqrt(second.size)
    inner = second[0] * slopes[1] / size  # the derivative in w_j is this times x_2
    outer = values[1] / size
    along = inner * float(inputs[0] @ inputs[1])  # change of w_j . x_1
    bend = -2.0 * values[0] * slopes[0]
    first = slopes[0] * outer + second[0] * bend * along  # times x_1, of length one
    applied = np.sum(first**2 + (slopes[0] * along) ** 2) / second.size
    return float(np.sqrt(applied / np.sum(inner**2 + outer**2)))


def distance_to_linear(theta: Array, inputs: Array, labels: Array) -> list[float]:
    """Return sup_t |f_t - f_t^lin| for each start: the network by the engine, the other exactly."""
    from optbench.registry import load_registry

    width = theta.shape[1] // (DIMENSION + 1)
    built = (
        load_registry()
        .problem("small_network")
        .build(activation="tanh", loss="square", n=SAMPLES, d=DIMENSION, hidden=width)
    )
    instance = replace(built, features=inputs, targets=labels)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": RATE}] * STARTS, theta)
    chunk.advance(HORIZON, steps=np.unique(np.geomspace(1, HORIZON, 12).astype(int)))
    steps, found = chunk.records.steps, []
    for run, first in enumerate(theta):
        values, slopes, second = layers(first, inputs)
        scaled = second * slopes
        kernel = (scaled @ scaled.T) * (inputs @ inputs.T) / width
        kernel += values @ values.T / width
        rates, vectors = np.linalg.eigh(kernel / SAMPLES)
        outputs = np.sum(values * second, axis=1) / math.sqrt(width)
        left = vectors.T @ (outputs - labels)
        linear = labels + ((1.0 - RATE * rates) ** steps[:, None] * left) @ vectors.T
        path = chunk.records.snapshots[:, run]
        now, _, weights = layers(path, inputs)
        actual = np.sum(now * weights, axis=-1) / math.sqrt(width)
        found.append(float(np.linalg.norm(actual - linear, axis=1).max()))
    return found
