"""S0-04: every step that goes downhill is natural gradient descent in some metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start
from optbench.engine.oracles.catalogue import missing_oracle
from optbench.instance import Instance
from optbench.parametrizations import Parametrization, parametrization

if TYPE_CHECKING:
    from optbench.contract import Optimizer

STEPS = 40
RANDOM_METRICS = 10


@dataclass(frozen=True)
class Setting:
    """An objective with its gradient in NumPy, where runs start, and its largest curvature."""

    instance: Instance
    parameters: str | Parametrization
    gradient: Callable[[np.ndarray], np.ndarray]
    theta: np.ndarray
    curvature: float


@claim(
    id="S0-04",
    title="Is All Learning (Natural) Gradient Descent?",
    citation="Shoji, Suzuki, Kozachkov 2024",
    arxiv="2409.16422",
    background="Natural gradient descent multiplies the gradient by the inverse of a metric. "
    "The paper turns the question around: given any step that goes downhill, is "
    "there a metric in which it is the natural gradient? There always is, and the "
    "angle between step and gradient says how distorted the best such metric must "
    "be. The claim checks both on every optimizer of optbench.",
    statement="A step y that decreases the loss to first order is natural gradient descent, "
    "M y = b, in a symmetric positive definite metric M; the least condition number of M depends "
    "on the angle psi between y and the negative gradient b alone.",
    formula="M = b b^T / (y.b) + sum_i u_i u_i^T, u_i orthogonal to y; "
    "min cond M = (1 + sin psi) / (1 - sin psi)",
    cost="normal",
    tags=("natural_gradient", "metric", "quadratic", "regression", "matrix"),
    seeds=5,
    perturbation={"downhill_only": False},
    then_fails="least eigenvalue",
    remarks="All steps y with y.b > 0 of all optimizers that are registered count: 40 steps on a "
    "quadratic (8 unknowns), a regression (6) and a matrix factorization (12), from positive "
    "starts. Step sizes that multiply a gradient are 0.1 / curvature, others 0.01. The "
    "negative gradient is called b.",
)
def steps_as_natural_gradient(downhill_only: bool = True, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure the metrics of all steps; without ``downhill_only`` also of those with y.b <= 0."""
    from optbench.registry import load_registry

    rules = load_registry().optimizers
    batches: list[tuple[np.ndarray, np.ndarray]] = []
    conditions: dict[str, list[np.ndarray]] = {name: [] for name in rules}
    for setting in (quadratic(), least_squares(seed), factorization(seed)):
        found = {name: steps_of(rule, setting, downhill_only) for name, rule in rules.items()}
        for name, steps in found.items():
            conditions[name].append(least_condition(*angle(*steps)))
        y, b = (np.concatenate(part) for part in zip(*found.values(), strict=True))
        batches.append((y, b))
    yield from metrics(batches)
    yield from best_of_others(batches, seed)
    means = {name: np.concatenate(parts) for name, parts in conditions.items()}
    gradient_descent = means["gradient_descent"].mean() - 1.0
    yield Check.at_most("gradient_descent: mean condition number - 1", gradient_descent, 1e-6)
    for name in ("sign_descent", "adam", "automatic_gradient_descent"):
        label = f"{name}: mean condition number - 1"
        yield Check.at_least(label, means[name].mean() - 1.0, 1e-3, np.nan)
    for name, values in means.items():
        if values.size:
            yield Check.reported(f"{name}: mean least condition number", values.mean())


def quadratic() -> Setting:
    """Curvatures linspace(1, 10, 8), from ones."""
    curvatures = np.linspace(1.0, 10.0, 8)
    instance = regression(np.diag(np.sqrt(curvatures)), np.zeros(8))
    instance = replace(instance, optimal_value=lambda: 0.0)
    return Setting(instance, "linear", lambda w: w * curvatures, np.ones(8), 10.0)


def least_squares(seed: int) -> Setting:
    """20 Gaussian samples of 6 features, Gaussian targets, from ones (seed 0)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features, targets = generator.standard_normal((20, 6)), generator.standard_normal(20)
    hessian, moment = features.T @ features / 20.0, features.T @ targets / 20.0
    least = float(np.linalg.lstsq(features, targets, rcond=None)[1][0]) / 40.0
    instance = replace(
        regression(features, targets, 1.0 / 20.0, inverse_fisher=np.linalg.inv(hessian)),
        optimal_value=lambda: least,
    )
    curvature = float(np.linalg.norm(hessian, 2))
    return Setting(instance, "linear", lambda w: w @ hessian - moment, np.ones(6), curvature)


def factorization(seed: int) -> Setting:
    """||W_2 W_1 - M||^2 / 2, M = diag(2, 1) in 3 x 3, from uniform numbers (seed 1)."""
    from optbench.claims.simulation.network import flat, matrices, network

    widths, target = (3, 2, 3), np.diag([2.0, 1.0, 0.0])
    instance = network(widths, np.eye(3), target)

    def gradient(theta: np.ndarray) -> np.ndarray:
        first, second = matrices(theta, widths)
        residual = second @ first - target
        parts = second.transpose(0, 2, 1) @ residual, residual @ first.transpose(0, 2, 1)
        return np.concatenate([part.reshape(len(theta), -1) for part in parts], axis=1)

    generator = np.random.Generator(np.random.PCG64([1, seed]))
    theta = flat([generator.uniform(size=(2, 3)), generator.uniform(size=(3, 2))])
    return Setting(replace(instance, optimal_value=lambda: 0.0), "linear", gradient, theta, 4.0)


def steps_of(
    rule: Optimizer, setting: Setting, downhill_only: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return steps y and negative gradients b, both (N, p), of an optimizer that can run here."""
    empty = np.zeros((0, setting.theta.size))
    built = setting.parameters
    if isinstance(built, str):
        built = parametrization(built, setting.theta.size)
    if missing_oracle(setting.instance, built, rule):
        return empty, empty
    hypers = {
        name: 0.1 / setting.curvature if rule.hypers[name].degree == -1 else 0.01
        for name in rule.tuned
    }
    chunk = start(setting.instance, setting.parameters, rule, [hypers], setting.theta)
    chunk.advance(STEPS, steps=np.arange(STEPS + 1))
    path = chunk.records.snapshots[:, 0]
    path = path[np.isfinite(path).all(axis=1)]
    y, b = np.diff(path, axis=0), -setting.gradient(path[:-1])
    # rounding of theta is 1e-16: shorter steps, and gradients, have no direction to 1e-6
    clear = (np.linalg.norm(y, axis=1) > 1e-8) & (np.linalg.norm(b, axis=1) > 1e-8)
    clear &= np.einsum("ni,ni->n", y, b) > 0.0 if downhill_only else True
    return y[clear], b[clear]


def angle(y: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosine and the sine, accurate near 0, of the angle between rows."""
    unit_y = y / np.linalg.norm(y, axis=1, keepdims=True)
    unit_b = b / np.linalg.norm(b, axis=1, keepdims=True)
    cosine = np.einsum("ni,ni->n", unit_y, unit_b)
    return cosine, np.linalg.norm(unit_b - cosine[:, None] * unit_y, axis=1)


def least_condition(cosine: np.ndarray, sine: np.ndarray) -> np.ndarray:
    """Return (1 + sin) / (1 - sin), without cancellation near a right angle."""
    return np.asarray(((1.0 + sine) / cosine) ** 2)


def outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a b^T of rows, (N, p, p)."""
    return np.asarray(np.einsum("ni,nj->nij", a, b))


def canonical_metric(y: np.ndarray, b: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return b b^T / (y.b) + P others P (N, p, p), P the projection orthogonal to y."""
    across = np.eye(y.shape[1]) - outer(y, y) / np.einsum("ni,ni->n", y, y)[:, None, None]
    along = outer(b, b) / np.einsum("ni,ni->n", y, b)[:, None, None]
    return np.asarray(along + across @ others @ across)


def planar_metric(y: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return |b|/|y| times [[c, s], [s, (1 + s^2)/c]] in the plane of y and b, 1 across it."""
    cosine, sine = angle(y, b)
    size = np.linalg.norm(b, axis=1) / np.linalg.norm(y, axis=1)
    first = y / np.linalg.norm(y, axis=1, keepdims=True)
    second = b / np.linalg.norm(b, axis=1, keepdims=True) - cosine[:, None] * first
    second /= np.maximum(sine, 1e-300)[:, None]
    c, s = cosine[:, None, None], sine[:, None, None]
    mixed = outer(first, second) + outer(second, first)
    planar = (c - 1.0) * outer(first, first) + s * mixed
    planar += ((1.0 + s * s) / c - 1.0) * outer(second, second)
    return np.asarray(size[:, None, None] * (np.eye(y.shape[1]) + planar))


def metrics(batches: list[tuple[np.ndarray, np.ndarray]]) -> Iterator[Check | Curve]:
    """Both metrics map y to b and are positive; the planar one has the predicted condition."""
    maps, positive, ratios, sines, found = [], [], [], [], []
    for y, b in batches:
        size = (np.linalg.norm(b, axis=1) / np.linalg.norm(y, axis=1))[:, None, None]
        canonical = canonical_metric(y, b, size * np.eye(y.shape[1]))
        planar = planar_metric(y, b)
        for metric in (canonical, planar):
            error = np.linalg.norm(np.einsum("nij,nj->ni", metric, y) - b, axis=1)
            maps.append(error / np.linalg.norm(b, axis=1))
            positive.append(np.linalg.eigvalsh(metric)[:, 0] / size[:, 0, 0])
        spectrum = np.linalg.eigvalsh(planar)
        cosine, sine = angle(y, b)
        found.append(spectrum[:, -1] / spectrum[:, 0])
        ratios.append(found[-1] / least_condition(cosine, sine) - 1.0)
        sines.append(sine)
    count = sum(len(y) for y, _ in batches)
    yield Check.reported("steps", count)
    yield Check.at_most("largest |M y - b| / |b|", np.concatenate(maps).max(), 1e-10)
    least = np.concatenate(positive).min()
    yield Check("least eigenvalue of a metric, in |b|/|y|", least, 0.0, "> 0", bool(least > 0.0))
    error = np.abs(np.concatenate(ratios)).max()
    yield Check.at_most("condition of the planar metric: largest relative error", error, 1e-6)
    every = np.argsort(np.concatenate(sines))[:: max(1, count // 200)]
    sine = np.concatenate(sines)[every]
    predicted = least_condition(np.sqrt((1.0 - sine) * (1.0 + sine)), sine)
    yield Curve(
        title="The larger the angle to the gradient, the worse the metric of a step",
        x_label="sine of the angle between step and -gradient",
        y_label="condition number of the metric",
        x=sine.tolist(),
        measured={"best metric of a step": np.concatenate(found)[every].tolist()},
        predicted={"(1 + sin) / (1 - sin)": predicted.tolist()},
        log="y",
    )


def best_of_others(batches: list[tuple[np.ndarray, np.ndarray]], seed: int) -> Iterator[Check]:
    """No metric does better: random ones, and the best one in the plane found by SciPy."""
    from scipy.optimize import minimize_scalar

    generator = np.random.Generator(np.random.PCG64([2, seed]))
    lowest, searched = np.inf, 0.0
    for y, b in batches:
        cosine, sine = angle(y, b)
        size = (np.linalg.norm(b, axis=1) / np.linalg.norm(y, axis=1))[:, None, None]
        for _ in range(RANDOM_METRICS):
            root = generator.standard_normal((len(y), y.shape[1], y.shape[1]))
            scale = 10.0 ** generator.uniform(-1.0, 1.0, (len(y), 1, 1))
            others = size * (scale * np.eye(y.shape[1]) + root @ root.transpose(0, 2, 1))
            spectrum = np.linalg.eigvalsh(canonical_metric(y, b, others))
            condition = spectrum[:, -1] / spectrum[:, 0]
            lowest = min(lowest, float((condition / least_condition(cosine, sine)).min()))
        downhill = cosine > 0.0
        for c, s in list(zip(cosine[downhill], sine[downhill], strict=True))[::20]:

            def condition_of(log_entry: float, c: float = c, s: float = s) -> float:
                low, high = np.linalg.eigvalsh([[c, s], [s, s * s / c + np.exp(log_entry)]])
                return float(np.log(high / low))

            solved = minimize_scalar(condition_of, bounds=(-10, 20), options={"xatol": 1e-10})
            best = float(np.exp(solved.fun))
            searched = max(searched, abs(best / float(least_condition(c, s)) - 1.0))
    yield Check.at_least("random metrics: least condition number / formula", lowest, 1.0 - 1e-9)
    name = "least condition number in the plane by SciPy: largest relative error of the formula"
    yield Check.at_most(name, searched, 1e-6)
