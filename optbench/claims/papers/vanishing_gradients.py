"""S0-14: gradients that vanish or explode with the depth of a linear network."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start
from optbench.instance import Instance
from optbench.parametrizations.deep_linear import deep_linear

WIDTH, DRAWS = 64, 100
DEPTHS = np.array([2, 5, 10, 20, 30, 40])
GAINS = (0.9, 1.0, 1.1)


def output(prediction: float, target: float) -> tuple[float, float]:
    """The network's output itself, so that only the layers scale the gradient."""
    return prediction - target, 1.0


@claim(
    id="S0-14",
    title="Vanishing and exploding gradients",
    background="Gradients through many layers are products of many matrices: they vanish or "
    "explode exponentially in the depth unless the matrices are scaled right. For "
    "Gaussian matrices the exponent is known, for orthogonal ones it is zero.",
    statement="With Gaussian weights of variance g^2 / width the gradient in the first layer "
    "shrinks or grows exponentially with depth; with orthogonal weights it does neither.",
    formula="log E ||dL/dW_1||^2 = 2 N log g + constant for W_l ~ N(0, g^2 / width); constant for "
    "orthogonal W_l; our derivation",
    cost="normal",
    tags=("deep_linear", "initialization"),
    perturbation={"fan_in": 32},
    then_fails="gain 0.9: slope",
    remarks="The loss is the output itself: a squared residual would scale with depth too. "
    "E is the mean of 100 draws; at depth 40 it has a standard error of 15 %.",
)
def slopes_of_depth(fan_in: int = WIDTH) -> Iterator[Check | Curve]:
    """Measure width 64, depth 2 to 40, gains 0.9, 1 and 1.1, and orthogonal weights."""
    measured, predicted = {}, {}
    for stream, gain in enumerate(GAINS):
        generator = np.random.Generator(np.random.PCG64(stream))
        deviation = gain / math.sqrt(fan_in)
        squares = np.array([gaussian(int(depth), deviation, generator) for depth in DEPTHS])
        slope = float(np.polyfit(DEPTHS, np.log(squares), 1)[0])
        name, law = f"gain {gain:g}: slope of log E ||dL/dW_1||^2", 2.0 * math.log(gain)
        yield Check.between(name, slope, law - 0.02, law + 0.02, law)
        measured[f"gain {gain:g}"] = squares.tolist()
        predicted[f"gain {gain:g}"] = (gain ** (2.0 * DEPTHS - 2.0)).tolist()
    orthogonal = []
    for depth in DEPTHS:
        layers = deep_linear(WIDTH, (WIDTH,) * int(depth - 1), scale=1.0)
        theta = layers.initial(None, np.random.Generator(np.random.PCG64(len(GAINS))))
        orthogonal.append(first_gradients(int(depth), theta[None])[0])
    slope = float(np.polyfit(DEPTHS, np.log(orthogonal), 1)[0])
    yield Check.at_most("orthogonal: |slope|", abs(slope), 1e-10)
    yield Curve(
        title="Gradients of the first layer vanish or explode with depth",
        x_label="depth N (layers)",
        y_label="mean squared gradient, ||dL/dW_1||^2",
        x=DEPTHS.tolist(),
        measured=measured,
        predicted=predicted,
        log="y",
    )


def gaussian(depth: int, deviation: float, generator: np.random.Generator) -> float:
    """Return the mean over draws of ||dL/dW_1||^2 at Gaussian weights."""
    count = WIDTH * WIDTH * (depth - 1) + WIDTH
    draws = (deviation * generator.standard_normal((10, count)) for _ in range(DRAWS // 10))
    return float(np.mean([first_gradients(depth, theta) for theta in draws]))


def first_gradients(depth: int, theta: np.ndarray) -> np.ndarray:
    """Return ||dL/dW_1||^2 (K,) for an input of length one, as the engine computes it."""
    instance = Instance(
        problem="claim",
        name="output",
        features=np.full((1, WIDTH), 1.0 / math.sqrt(WIDTH)),
        targets=np.zeros(1),
        kind="other",
        row=output,
    )
    layers = deep_linear(WIDTH, (WIDTH,) * (depth - 1))
    still = [{"learning_rate": 0.0}] * len(theta)
    chunk = start(instance, layers, "gradient_descent", still, theta)
    chunk.advance(0)
    gradient = chunk.runs.gradient[:, : WIDTH * WIDTH]
    return np.asarray((gradient**2).sum(axis=1))
