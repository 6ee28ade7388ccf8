"""S0-12: training a network by linear regressions, layer after layer and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

Array = np.ndarray
SAMPLES, DIMENSION, HIDDEN, TARGET = 200, 3, 5, 1e-3
ITERATIONS, HORIZON = 200, 5000
RATES = (0.003, 0.01, 0.03, 0.1)


@claim(
    id="S0-12",
    title="Using linear regression for iteratively training neural networks",
    citation="Khadilkar 2023",
    arxiv="2307.05189",
    background="Where the activation can be inverted, the targets of the last layer can be "
    "computed back to the layer before, and every layer is a linear regression. Regressions are "
    "solved at once: the paper iterates them in place of gradient steps.",
    statement="Alternating least squares on activations that are computed back trains small "
    "networks in fewer iterations than gradient methods.",
    formula="W <- lstsq(X, s^-1(H + (y - H a) pinv(a))), a <- lstsq(s(X W), y): mean square 1e-3 "
    "in at most 1/5 of Adam's steps",
    cost="normal",
    tags=("network", "leaky_relu", "gradient_free"),
    seeds=10,
    does_not_hold="alternating least squares",
    perturbation={"leak": 1.0},
    then_fails=(),
    remarks="Targets come from a network of the same kind with three units, so that a mean square "
    "of 0 is possible; they have unit variance. Adam has the best of four rates. The regression "
    "of hidden units minimises the error of s^-1, not that of the outputs, and stalls where the "
    "two differ. With an activation that is linear both are the same, and one iteration does it.",
)
def alternating_least_squares(leak: float = 0.1, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure 200 samples of 3 inputs, 5 leaky units, 200 iterations against 5,000 Adam steps."""
    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((SAMPLES, DIMENSION))
    hidden = leaky(inputs @ generator.standard_normal((DIMENSION, 3)), leak)
    targets = hidden @ generator.standard_normal(3)
    targets /= np.std(targets)
    first = generator.standard_normal((DIMENSION, HIDDEN))
    squares = regressions(inputs, targets, first, leak)
    steps, adam = descend(inputs, targets, first, generator, leak)
    best = int(np.argmin(np.where(adam <= TARGET, steps[:, None], np.inf).min(axis=0)))
    there = adam[:, best] <= TARGET
    needed = float(steps[np.argmax(there)]) if there.any() else np.inf
    if leak == 0.1:
        yield Check.at_most("Adam: least mean square, best rate", adam.min(), TARGET, share=0.9)
    name = "alternating least squares: least mean square in a fifth of Adam's steps"
    allowed = int(min(needed / 5.0, ITERATIONS))
    yield Check.at_most(name, squares[: allowed + 1].min(), TARGET)
    shown = np.unique(np.geomspace(1, ITERATIONS, 60).astype(int))
    yield Curve(
        "Alternating least squares stops far above Adam's error",
        "iteration",
        "mean square error",
        shown.tolist(),
        {
            "alternating least squares": squares[shown].tolist(),
            "Adam": np.interp(shown, steps, adam[:, best]).tolist(),
        },
        {"the paper's target": [TARGET] * shown.size},
        log="xy",
    )


def leaky(z: Array, leak: float) -> Array:
    """Leaky ReLU; with 1 / leak its inverse."""
    return np.where(z > 0.0, z, leak * z)


def regressions(inputs: Array, targets: Array, first: Array, leak: float) -> Array:
    """Return the mean square error after 0, 1, ... iterations."""
    found = []
    for _ in range(ITERATIONS + 1):
        hidden = leaky(inputs @ first, leak)
        second = np.linalg.lstsq(hidden, targets, rcond=None)[0]
        residual = targets - hidden @ second
        found.append(float(np.mean(residual**2)))
        size = second @ second
        if not 1e-30 < size < 1e30:
            break
        wanted = hidden + np.outer(residual, second / size)  # the nearest with wanted @ a = y
        first = np.linalg.lstsq(inputs, leaky(wanted, 1.0 / leak), rcond=None)[0]
    return np.array(found + [found[-1]] * (ITERATIONS + 1 - len(found)))


def descend(
    inputs: Array, targets: Array, first: Array, generator: np.random.Generator, leak: float
) -> tuple[Array, Array]:
    """Return steps (R,) and mean squares (R, K) of Adam on both layers, a column a rate."""
    from optbench.registry import load_registry

    built = (
        load_registry()
        .problem("small_network")
        .build(activation="leaky", loss="square", n=SAMPLES, d=DIMENSION, hidden=HIDDEN)
    )
    parameters = built.parameters._replace(leak=leak)
    instance = replace(built, features=inputs, targets=targets, parameters=parameters)
    theta = np.r_[first.T.ravel(), generator.standard_normal(HIDDEN)]
    chunk = start(instance, "linear", "adam", [{"learning_rate": rate} for rate in RATES], theta)
    chunk.advance(HORIZON, steps=np.unique(np.geomspace(1, HORIZON, 200).astype(int)))
    return chunk.records.steps, 2.0 * np.exp(chunk.records.log_loss)
