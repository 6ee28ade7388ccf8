"""A recurrent network that searches a box by values alone, trained by gradients through its runs.

h <- tanh(A h + B (x, f(x)) + b),  x <- tanh(C h + c): the points x in [-1, 1]^d that it asks for.
All runs of a batch go together. Training lessens the mean over a run of the best value so far
(Chen et al. 2017 train on sums of values and of improvements) by Adam on random functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optbench.claims.simulation.black_boxes import Function

Array = np.ndarray
HIDDEN, EVALUATIONS, BATCH = 32, 16, 64
RATE, MOMENTUM, MEMORY, LARGEST = 0.01, 0.9, 0.99, 1.0  # of Adam; the norm at which it clips


class Learner(NamedTuple):
    """Weights of the network."""

    recurrent: Array
    inputs: Array
    shift: Array
    outputs: Array
    place: Array


class Path(NamedTuple):
    """Hidden states (T + 1, n, H), inputs, points, values (T, n) and slopes of the functions."""

    hidden: Array
    inputs: Array
    points: Array
    values: Array
    slopes: Array


def untrained(generator: np.random.Generator, dimension: int) -> Learner:
    """Draw weights."""
    return Learner(
        0.9 / np.sqrt(HIDDEN) * generator.standard_normal((HIDDEN, HIDDEN)),
        0.5 * generator.standard_normal((HIDDEN, dimension + 1)),
        np.zeros(HIDDEN),
        1.0 / np.sqrt(HIDDEN) * generator.standard_normal((dimension, HIDDEN)),
        np.zeros(dimension),
    )


def search(learner: Learner, function: Function, runs: int) -> Path:
    """Let the network evaluate ``runs`` functions; ``function`` maps points (n, d) to values."""
    dimension = learner.place.size
    hidden, x, value = np.zeros((runs, HIDDEN)), np.zeros((runs, dimension)), np.zeros(runs)
    states, steps = [hidden], []
    for _ in range(EVALUATIONS):
        inputs = np.concatenate([x, value[:, None]], axis=1)
        hidden = np.tanh(hidden @ learner.recurrent.T + inputs @ learner.inputs.T + learner.shift)
        x = np.tanh(hidden @ learner.outputs.T + learner.place)
        value, slope = function(x)
        states.append(hidden)
        steps.append((inputs, x, value, slope))
    columns = (np.array(column) for column in zip(*steps, strict=True))
    return Path(np.array(states), *columns)


def regret(path: Path) -> tuple[float, Array]:
    """Return the mean best value so far over runs and steps, and its slopes in the values."""
    values = path.values
    best = np.minimum.accumulate(values, axis=0)
    # which evaluation is the best so far: the last that was new
    steps = np.arange(len(values))[:, None]
    new = np.vstack([np.ones_like(values[:1], bool), values[1:] < best[:-1]])
    which = np.maximum.accumulate(np.where(new, steps, 0), axis=0)
    counts = np.array([np.sum(which == step, axis=0) for step in range(len(values))])
    return float(best.mean()), counts / values.size


def through_time(learner: Learner, path: Path, slopes: Array) -> Learner:
    """Return the gradient in the weights of what has these slopes in the values of the path."""
    found = Learner(*(np.zeros_like(weights) for weights in learner))
    dimension, later = learner.place.size, np.zeros_like(path.hidden[0])
    asked = np.zeros_like(path.inputs[0])  # slopes in the inputs of the step after
    for step in range(len(slopes) - 1, -1, -1):
        in_value = slopes[step] + asked[:, dimension]
        in_point = in_value[:, None] * path.slopes[step] + asked[:, :dimension]
        outside = in_point * (1.0 - path.points[step] ** 2)
        inside = (later + outside @ learner.outputs) * (1.0 - path.hidden[step + 1] ** 2)
        found.outputs[:] += outside.T @ path.hidden[step + 1]
        found.place[:] += outside.sum(axis=0)
        found.recurrent[:] += inside.T @ path.hidden[step]
        found.inputs[:] += inside.T @ path.inputs[step]
        found.shift[:] += inside.sum(axis=0)
        later, asked = inside @ learner.recurrent, inside @ learner.inputs
    return found


def train(
    generator: np.random.Generator, draw: Callable[[int], Function], dimension: int, rounds: int
) -> Learner:
    """Train on ``rounds`` batches of new functions; the rate falls linearly in the second half."""
    learner = untrained(generator, dimension)
    mean = [np.zeros_like(weights) for weights in learner]
    square = [np.zeros_like(weights) for weights in learner]
    for k in range(1, rounds + 1):
        path = search(learner, draw(BATCH), BATCH)
        gradient = through_time(learner, path, regret(path)[1])
        norm = np.sqrt(sum(float(np.sum(part**2)) for part in gradient))
        rate = RATE * min(1.0, 2.0 * (1.0 - k / (rounds + 1)))
        for weights, part, m, v in zip(learner, gradient, mean, square, strict=True):
            part *= min(1.0, LARGEST / norm)
            m += (1.0 - MOMENTUM) * (part - m)
            v += (1.0 - MEMORY) * (part**2 - v)
            root = np.sqrt(v / (1.0 - MEMORY**k)) + 1e-8
            weights -= rate * m / (1.0 - MOMENTUM**k) / root
    return learner
