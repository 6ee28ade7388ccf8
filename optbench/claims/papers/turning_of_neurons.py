"""S3-01: Nero turns balanced neurons by a set angle, and needs no tuning."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

RATE = 0.01
NEURONS, INPUTS, SAMPLES = 16, 10, 200
STEPS = 3000


@claim(
    id="S3-01",
    title="Learning by turning: neural architecture aware optimisation",
    citation="Liu, Bernstein, Meister, Yue 2021",
    arxiv="2102.07227",
    background="Nero keeps every neuron's weights at mean zero and norm one, and measures each "
    "neuron's gradient by a running mean of its size: the learning rate is about the largest angle "
    "by which a step turns a neuron, and one default works without tuning. The claim checks the "
    "constraints, the first angle, and that the default trains.",
    statement="Neurons of mean zero and unit norm that are updated relative to their own gradients "
    "turn by about the learning rate a step; with its default settings the rule trains a layer.",
    formula="tan(angle) = eta |g_t| / (1 - eta g.w) for a neuron w and its unit gradient g, with "
    "g_t the part of g orthogonal to w and to (1, ..., 1): at most about eta",
    cost="normal",
    tags=("matrix", "learning_rate"),
    perturbation={"optimizer": "adam"},
    then_fails="largest |mean|",
    remarks="The teacher, too, has balanced neurons: only such maps can be learned. Scaled as "
    "1/(2 n m) ||W X - Y||^2.",
)
def turning_of_neurons(optimizer: str = "nero", seed: int = 0) -> Iterator[Check | Curve]:
    """Measure 16 neurons with 10 inputs, a teacher of such neurons, 200 samples (seed 0)."""
    from optbench.claims.simulation.network import network

    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((INPUTS, SAMPLES))
    teacher = balanced(generator.standard_normal((NEURONS, INPUTS)))
    first = balanced(generator.standard_normal((NEURONS, INPUTS)))
    targets = teacher @ inputs
    scale = 1.0 / (SAMPLES * NEURONS)
    instance = network([INPUTS, NEURONS], inputs, targets, scale)
    chunk = start(instance, "linear", optimizer, [{"learning_rate": RATE}], first.ravel())
    chunk.advance(STEPS, steps=np.arange(STEPS + 1))
    neurons = chunk.records.snapshots[:, 0].reshape(-1, NEURONS, INPUTS)
    moved = np.linalg.norm(neurons[1] - first, axis=1)
    angles = 2.0 * np.arcsin(moved / 2.0)
    predicted = turned(first, scale * (first @ inputs - targets) @ inputs.T)
    bound = np.arctan(RATE)
    yield Check.at_most("largest turn of the first step / atan(eta)", angles.max() / bound, 1.0, 1)
    yield Check.at_least("smallest turn of it / atan(eta)", angles.min() / bound, 0.3)
    error = np.abs(angles / predicted - 1.0).max()
    # differences of unit vectors that are 0.003 to 0.01 apart
    yield Check.at_most("largest error against the closed form", error, 1e-11)
    mean = np.abs(neurons.mean(axis=2)).max()
    yield Check.at_most("largest |mean| of a neuron, all steps", mean, 1e-12)
    norm = np.abs(np.linalg.norm(neurons, axis=2) - 1.0).max()
    yield Check.at_most("largest | ||w|| - 1 | of a neuron, all steps", norm, 1e-12)
    losses = np.exp(chunk.records.log_loss[:, 0])
    yield Check.at_most("final loss with default settings", losses[-1], 1e-8)
    yield Curve(
        title="Nero turns each neuron by the predicted angle",
        x_label="neuron",
        y_label="turn in the first step (degrees)",
        x=np.arange(1, NEURONS + 1).tolist(),
        measured={"Nero": np.degrees(angles).tolist()},
        predicted={"closed form": np.degrees(predicted).tolist()},
    )
    yield Curve(
        title="Nero fits the data with its default settings",
        x_label="steps",
        y_label="loss",
        x=np.arange(0, STEPS + 1, 20).tolist(),
        measured={"Nero": losses[::20].tolist()},
        log="y",
    )


def balanced(neurons: np.ndarray) -> np.ndarray:
    """Return rows of mean zero and unit norm."""
    centered = neurons - neurons.mean(axis=1, keepdims=True)
    return np.asarray(centered / np.linalg.norm(centered, axis=1, keepdims=True))


def turned(neurons: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the angles (neurons,) by which the first step must turn balanced neurons."""
    unit = gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    along = np.sum(unit * neurons, axis=1, keepdims=True)
    tangent = unit - unit.mean(axis=1, keepdims=True) - along * neurons
    opposite = RATE * np.linalg.norm(tangent, axis=1)
    return np.asarray(np.arctan2(opposite, 1.0 - RATE * along[:, 0]))
