"""S2-03 and S4-00: directional convergence on spherically symmetric data, which has no margin."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, objective, start
from optbench.elementwise import exp, log1p, sigmoid
from optbench.instance import Instance

if TYPE_CHECKING:
    from optbench.engine.chunk import Chunk

KAPPA = 1.0 / math.sqrt(2.0 * math.pi)  # density of a Gaussian at 0 times its variance
RADIAL = KAPPA * math.pi**2 / 6.0
SETTINGS = {1: (0.2, 320.0), 2: (0.02, 60.0), 3: (0.01, 34.0), 4: (0.005, 22.0)}
NEARLY_ORTHOGONAL = math.atan(18.7)
WRONG_HALF = {1: (0.01, 10.0), 2: (0.01, 25.0), 3: (0.02, 80.0)}


@claim(
    id="S2-03",
    title="Faster directional convergence of linear neural networks under spherically symmetric "
    "data",
    citation="Lin, Sun, Zhang 2021",
    background="Spherically symmetric data has no margin: samples lie arbitrarily near to the "
    "boundary. Theorems on max margins say nothing, and yet gradient descent turns "
    "to the right direction. The deeper the linear network, the faster: the "
    "logarithm of the angle falls like t^(2/3) for one layer, like t for two.",
    statement="On spherically symmetric data, which has no margin, linear networks of any depth N "
    "turn to the labelling direction; the logarithm of the angle falls like t^(2/3) for N = 1, "
    "like t for N = 2 (a linear rate) and faster for N >= 3.",
    formula="d(-log tan theta)/dt = r^(1 - 2/N) / sqrt(2 pi), hence -log tan theta ~ t^(2N/(N+2)); "
    "the law our derivation",
    cost="fast",
    tags=("classification", "deep_linear", "rate", "direction"),
    perturbation={"stretch": 0.5},
    then_fails="depth 1: rate",
    remarks="-log tan theta = C + K t^p, and C is not small before tan theta reaches rounding "
    "(1e-13); so the exponent p is measured as 1 + the slope of log d(-log tan theta)/dt over "
    "log t, over the last two octaves of t. Gradient flow is gradient descent with small steps; "
    "the claim checks that twice the step changes the rates by less than 1 %.",
)
def faster_with_depth(stretch: float = 1.0) -> Iterator[Check | Curve]:
    """Measure depth 1 to 4 from angle 1.2 and norm 0.5 on the quadrature of 400 x 120 nodes."""
    common = np.geomspace(1.6, 320.0, 60)
    measured, predicted = {}, {}
    for depth, (step, end) in SETTINGS.items():
        instance = spherical(1.2, 0.5, stretch)
        times, rates, ratios = turning(instance, depth, step, end)
        yield Check.between(f"depth {depth}: rate at the end / predicted", ratios[-1], 0.97, 1.03)
        coarse = turning(instance, depth, 2.0 * step, end)[2]
        change = abs(ratios[-1] - coarse[-1])
        yield Check.at_most(f"depth {depth}: its change with twice the step", change, 0.01)
        late = times[1:] >= end / 4.0
        exponent = 1.0 + log_slope(np.sqrt(times[1:] * times[:-1])[late], rates[late])
        name, law = f"depth {depth}: exponent of t", 2.0 * depth / (depth + 2.0)
        if depth <= 2:
            low, high = ((0.60, 0.70), (0.97, 1.03))[depth - 1]
            yield Check.between(name, exponent, low, high, law)
        else:
            yield Check(name, exponent, law, "reported only", True)
        inside = np.where(common <= end, common, np.nan)
        measured[f"depth {depth}"] = np.interp(inside, times[1:], rates)
        radius = ((depth + 2.0) * RADIAL * inside) ** (depth / (depth + 2.0))
        predicted[f"depth {depth}"] = KAPPA * radius ** (1.0 - 2.0 / depth)
    yield Curve(
        title="Deeper linear networks turn faster to the labelling direction",
        x_label="time (steps x learning rate)",
        y_label="speed, -d log(tan angle) / dt",
        x=common.tolist(),
        measured={name: line.tolist() for name, line in measured.items()},
        predicted={name: line.tolist() for name, line in predicted.items()},
        log="xy",
    )


@claim(
    id="S4-00",
    title="Directional convergence analysis under spherically symmetric distribution",
    citation="Lin, Zhang 2021",
    arxiv="2105.03879",
    background="The same question as in S2-03, asked of all starts: also of those in the wrong "
    "half space, and with fresh random samples at every step instead of the whole population. "
    "Before it turns, the predictor shrinks along a curve that conserves r sin^N of the angle.",
    statement="Linear networks of any depth turn to the labelling direction from every start but "
    "the opposite one, with a known rate and without a condition on the first loss, and so do "
    "nonlinear networks of two nodes; a linear one that "
    "starts in the wrong half space first shrinks along a curve r sin^N theta = constant.",
    formula="d(-log tan theta)/dt = r^(1 - 2/N) / sqrt(2 pi); min r = r_0 sin^N(theta_0); for two "
    "nodes with slope a at negative numbers (1 - a)^2 / (1 + a) / (2 r sqrt(2 pi)); our derivation",
    cost="normal",
    tags=("classification", "deep_linear", "rate", "direction"),
    perturbation={"stretch": 0.5},
    then_fails="depth 1: rate",
    remarks="Half the step changes min r by less than 0.5 %. Fresh samples start at tan theta = "
    "18.7 and take steps of 0.1 to t = 40. The network of two nodes is s(w_1 . x) - s(w_2 . x) "
    "with fixed outputs, s the ReLU or the leaky ReLU of slope 0.1, from random Gaussian starts of "
    "all seeds; of the paper only the abstract was at hand, its network may have another form.",
)
def any_start(stretch: float = 1.0, seed: int = 0) -> Iterator[Check]:
    """Measure depth 1 to 3 from 2.8 rad and with fresh samples; two nodes from random starts."""
    yield from two_nodes(seed)
    if seed == 0:  # nothing else is random but the samples, four runs of them
        yield from linear_networks(stretch)


def linear_networks(stretch: float) -> Iterator[Check]:
    """Rates, starts at 2.8 rad with norm 0.05, and fresh samples in d = 10."""
    yield from population(stretch)
    sampled = spherical(NEARLY_ORTHOGONAL, 0.5, samples=20_000, d=10)
    for depth in (1, 2, 3):
        w = prepare(sampled, depth, 0.1, 40.0, np.array([40.0]), runs=4).runs.w
        tangent = (np.linalg.norm(w[:, :-1], axis=1) / w[:, -1]).max()
        name = f"depth {depth}, 20,000 fresh samples a step: largest tan theta of 4 runs"
        yield Check.at_most(name, tangent, 5e-3)


class Leak(NamedTuple):
    """The activation's slope at negative numbers."""

    slope: float


def two_node_loss(w: np.ndarray, data: np.ndarray, grad: np.ndarray, targets: np.ndarray,
                  parameters: Leak) -> float:  # fmt: skip
    """Logistic loss of s(w_1 . x) - s(w_2 . x) over nodes x (n, 2), weighted by the targets."""
    total = 0.0
    grad[:] = 0.0
    for i in range(data.shape[0]):
        x, y = data[i, 0], data[i, 1]
        label = 1.0 if y > 0.0 else -1.0
        first, second = w[0] * x + w[1] * y, w[2] * x + w[3] * y
        slope_1 = 1.0 if first > 0.0 else parameters.slope
        slope_2 = 1.0 if second > 0.0 else parameters.slope
        lead = label * (slope_1 * first - slope_2 * second)
        total += targets[i] * (log1p(exp(-abs(lead))) + max(-lead, 0.0))
        pull = label * targets[i] * sigmoid(-lead)
        grad[0] -= pull * slope_1 * x
        grad[1] -= pull * slope_1 * y
        grad[2] += pull * slope_2 * x
        grad[3] += pull * slope_2 * y
    return float(total)


def two_nodes(seed: int) -> Iterator[Check]:
    """Both nodes turn to the labelling direction, w_1 along it and w_2 against it."""
    from optbench.registry import load_registry

    built = load_registry().problem("spherical_logistic").build(angles=60, radii=24)
    nodes, weights = np.vstack([built.features, -built.features]), np.tile(built.targets, 2) / 2.0
    theta = 0.5 * np.random.Generator(np.random.PCG64(seed)).standard_normal(4)
    step, horizon = 0.5, 500
    for slope in (0.0, 0.1):
        instance = objective(nodes, two_node_loss, targets=weights, parameters=Leak(slope),
                             start=np.zeros(4))  # fmt: skip
        chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": step}], theta)
        chunk.advance(horizon, steps=np.array([0, horizon - 50, horizon]))
        w = chunk.records.snapshots[1:, 0].reshape(2, 2, 2) * np.array([1.0, -1.0])[:, None]
        tangents = w[..., 0] / w[..., 1]
        # a leaky network's difference of tangents fades slower than their mean
        slow = np.diff(tangents, axis=1) if slope > 0.0 else tangents
        apart = np.linalg.norm(slow, axis=1)
        name = f"two nodes, slope {slope:g}"
        angle = np.abs(np.arctan2(w[-1, :, 0], w[-1, :, 1])).max()
        yield Check.at_most(f"{name}: larger angle to the labelling direction", angle, 5e-3)
        rate = np.log(apart[0] / apart[1]) / (50.0 * step)
        law = KAPPA * (1.0 - slope) ** 2 / (1.0 + slope) / 2.0 / np.linalg.norm(w, axis=2).mean()
        yield Check.between(f"{name}: rate / predicted", rate / law, 0.95, 1.05)


def population(stretch: float) -> Iterator[Check]:
    """Rates on the quadrature, and starts in the wrong half space."""
    for depth in (1, 2, 3):
        step, end = SETTINGS[depth]
        _, _, ratios = turning(spherical(1.2, 0.5, stretch), depth, 2.0 * step, end)
        yield Check.between(f"depth {depth}: rate at the end / predicted", ratios[-1], 0.97, 1.03)
    for depth, (step, end) in WRONG_HALF.items():
        instance = spherical(2.8, 0.05, stretch)
        _, w = descend(instance, depth, step, end, np.arange(0.0, end, max(step, end / 1000.0)))
        shortest = np.linalg.norm(w, axis=1).min() / (0.05 * math.sin(2.8) ** depth)
        name = f"depth {depth}, wrong half space"
        yield Check.between(f"{name}: least norm / predicted", shortest, 0.95, 1.05)
        angle = math.atan2(abs(w[-1, 0]), w[-1, 1])
        yield Check.at_most(f"{name}: final angle to the labelling direction", angle, 5e-3)


def spherical(angle: float, norm: float, stretch: float = 1.0, **sampling: int) -> Instance:
    """Build the loss; ``stretch`` multiplies the quadrature's inputs across the labels' axis."""
    from optbench.registry import load_registry

    built = load_registry().problem("spherical_logistic").build(angle=angle, norm=norm, **sampling)
    assert isinstance(built, Instance)
    if sampling:
        return built
    return dataclasses.replace(built, features=built.features * np.array([stretch, 1.0]))


def descend(
    instance: Instance, depth: int, step: float, end: float, records: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return times and predictors (T, d) of a balanced linear network of ``depth`` layers."""
    chunk = prepare(instance, depth, step, end, records, runs=1)
    return chunk.records.steps * step, chunk.records.snapshots[:, 0]


def prepare(
    instance: Instance, depth: int, step: float, end: float, records: np.ndarray, runs: int
) -> Chunk:
    """Return runs that have come to the end; where samples are drawn, run k draws from seed k."""
    assert instance.start is not None
    norm = float(np.linalg.norm(instance.start))
    size = norm ** (1.0 / depth)
    theta = np.concatenate([size / norm * instance.start, np.full(depth - 1, size)])
    layers = "linear" if depth == 1 else f"deep_linear:widths={'x'.join(['1'] * (depth - 1))}"
    rates = [{"learning_rate": step}] * runs
    chunk = start(instance, layers, "gradient_descent", rates, theta)
    chunk.advance(round(end / step), steps=np.unique(np.rint(records / step).astype(int)))
    return chunk


def turning(
    instance: Instance, depth: int, step: float, end: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times (T,), the growth of -log tan theta (T - 1,), and growth / predicted."""
    records = np.geomspace(end / 200.0, end, 60)
    times, w = descend(instance, depth, step, end, records)
    exponent = -np.log(np.abs(w[:, 0] / w[:, 1]))
    rates = np.diff(exponent) / np.diff(times)
    radius = np.linalg.norm(w, axis=1)
    between = np.sqrt(radius[1:] * radius[:-1])
    return times, rates, rates / (KAPPA * between ** (1.0 - 2.0 / depth))
