"""S4-07: a wide regularized ReLU network in one variable ends with few knots."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start
from optbench.claims.simulation.network import matrices, network

NEURONS, POINTS, RATE, HORIZON = 200, 5, 0.02, 40_000
WIDTHS = [2, NEURONS, 1]
# a knot: changes of slope within 2 % of the distance of the samples; knots are counted until they
# have 99 % of the change of slope between these samples
WIDTH, SHARE = 0.02, 0.99


@claim(
    id="S4-07",
    title="Mean-field analysis of piecewise linear solutions for wide ReLU networks",
    citation="Shevchenko, Kungurtsev, Mondelli 2021",
    arxiv="2111.02278",
    background="A network of many ReLU units in one variable may bend anywhere, once for each "
    "unit. With a penalty on its weights the units gather, so that the line bends at few places.",
    statement="A wide network with a penalty on its weights, trained with vanishingly small noise, "
    "is piecewise linear, with at most three knots between two consecutive samples.",
    formula="f(x) = (1/m) sum a_j max(v_j x + b_j, 0), penalty lambda / (2 m) ||theta||^2: at most "
    "3 places between x_i and x_(i+1) have the changes of slope a_j |v_j| / m",
    cost="normal",
    tags=("network", "relu", "regression", "weight_decay"),
    seeds=10,
    perturbation={"decay": 0.0},
    then_fails="most knots",
    remarks="Five samples, 200 neurons, penalty 0.01, gradient descent without noise, mean-field "
    "time 800. At finite width every neuron is a knot, and the theorem gives no tolerance: ours is "
    "that knots are 2 % of a gap wide and are counted until they have 99 % of the change of slope "
    "in the gap; gaps with less than 1 % of all of it have none. Of the paper only the abstract "
    "was at hand. Whether knots lie away from the samples is reported.",
)
def piecewise_linear_solutions(decay: float = 0.01, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure five samples, random in [-1.1, 1.1], from random weights of mean-field size."""
    generator = np.random.Generator(np.random.PCG64(seed))
    places = np.linspace(-1.0, 1.0, POINTS) + generator.uniform(-0.1, 0.1, POINTS)
    targets = generator.standard_normal(POINTS)
    # with every weight divided by sqrt(m) the factors 1 / m of f and of the penalty are gone
    theta = generator.standard_normal(3 * NEURONS) / np.sqrt(NEURONS)
    inputs = np.vstack([places, np.ones(POINTS)])
    instance = network(WIDTHS, inputs, targets[None], decay=decay, slope=0.0)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": RATE}], theta)
    chunk.advance(HORIZON, steps=np.unique(np.geomspace(10, HORIZON, 25).astype(int)))
    steps, thetas = chunk.records.steps, chunk.records.snapshots[:, 0]
    most = [max(knots(each, places)) for each in thetas]
    yield Check.at_most("most knots between two samples", most[-1], 3.0, 3.0)
    away = sum(knots(thetas[-1], places))
    yield Check.reported("knots between samples, in all four gaps", away)
    grid = np.linspace(-1.2, 1.2, 241)
    outputs = [evaluate(each, grid) for each in (theta, thetas[-1])]
    yield Curve(
        "Neurons gather at a few knots",
        "steps",
        "most knots between two samples",
        steps.tolist(),
        {"gradient descent": [float(count) for count in most]},
        {"bound": [3.0] * len(most)},
        "xy",
    )
    yield Curve(
        "The trained network is a line with few bends",
        "x",
        "f(x)",
        grid.tolist(),
        {"at the start": outputs[0].tolist(), "at the end": outputs[1].tolist()},
    )


def bends(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each neuron bends the line, and by how much its slope changes there."""
    first, second = matrices(theta, WIDTHS)
    return -first[:, 1] / first[:, 0], np.abs(second[0] * first[:, 0])


def knots(theta: np.ndarray, places: np.ndarray) -> list[int]:
    """Count the knots between consecutive samples, those with most change first."""
    where, change = bends(theta)
    counts = []
    for low, high in pairwise(places):
        inside = (where > low) & (where < high)
        at, left = where[inside], change[inside].copy()
        total, count = left.sum(), 0
        near = np.abs(at[:, None] - at) <= WIDTH * (high - low)
        while total > 0.01 * change.sum() and left.sum() > (1.0 - SHARE) * total:
            left[near[np.argmax(near @ left)]] = 0.0
            count += 1
        counts.append(count)
    return counts


def evaluate(theta: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return f at places (n,)."""
    first, second = matrices(theta, WIDTHS)
    inputs = np.vstack([places, np.ones(places.size)])
    return np.asarray(second[0] @ np.maximum(first @ inputs, 0.0))
