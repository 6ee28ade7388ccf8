"""S1-15: gradient descent from zero finds the least-norm interpolant, and that can be benign."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

SAMPLES, STRONG, TAIL = 30, 5, 3.0
NOISE = 0.5


@claim(
    id="S1-15",
    title="Deep learning: a statistical viewpoint",
    citation="Bartlett, Montanari, Rakhlin 2021",
    arxiv="2103.09177",
    background="Classical statistics warns of fitting noise. The review explains when "
    "interpolation is harmless: if a few directions carry the signal and very many "
    "weak ones absorb the noise. The test error then peaks where the number of "
    "unknowns equals the number of samples, and falls again beyond: double descent.",
    statement="Gradient descent from zero ends at the interpolant of least norm; with many weak "
    "directions it interpolates noise harmlessly, with barely more unknowns than samples it does "
    "not.",
    formula="w -> X^+ y; risk(d = 35) > risk(d = 200), risk(d) <= 2 risk(200) beyond",
    cost="fast",
    tags=("regression", "implicit_bias", "generalization"),
    perturbation={"offset": 3.0},
    then_fails="d = 200: distance",
    remarks="The noise, 0.5, and the true weights, five equal ones of norm 1, are ours. "
    "The ratio of risks is that of one draw: near d = n it is anything from 2 to 1,000.",
)
def benign_interpolation(offset: float = 0.0, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure 30 samples, 5 unit eigenvalues and a tail of mass 3, noise 0.5.

    ``offset`` is the distance from zero at which gradient descent starts.
    """
    risks: dict[int, float] = {}
    for dimension in (35, 200, 1000, 4000):
        risks[dimension], error = interpolate(dimension, seed, offset)
        if dimension == 200:
            name = "d = 200: distance to the least-norm interpolant"
            yield Check.at_most(name, error, 1e-8)
    # at d = 35 the least singular value of X is small, but not in every draw
    name = "risk at d = 35 over risk at d = 200"
    yield Check.at_least(name, risks[35] / risks[200], 1.0, share=0.9)
    for dimension in (1000, 4000):
        ratio = risks[dimension] / risks[200]
        yield Check.at_most(f"risk at d = {dimension} over risk at d = 200", ratio, 2.0, 1.0, 0.9)
    if seed == 0:
        yield double_descent(risks)


def double_descent(risks: dict[int, float]) -> Curve:
    """Risk by dimension; predicted is that of X^+ y, also where gradient descent did not run."""
    dimensions = sorted({*risks, 10, 15, 20, 23, 26, 28, 30, 32, 40, 50, 70, 100, 400, 2000})
    draws = [problem(dimension, 0) for dimension in dimensions]
    least = [risk(np.linalg.lstsq(x, y, rcond=None)[0], v) for x, y, v in draws]
    return Curve(
        f"The risk peaks at d = n = {SAMPLES} and falls again",
        "number of unknowns d",
        "excess risk",
        dimensions,
        {"gradient descent": [risks.get(dimension, np.nan) for dimension in dimensions]},
        {"least-norm interpolant": least},
        log="xy",
    )


def problem(dimension: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features (n, d), targets (n,) and the variances (d,) of the features."""
    generator = np.random.Generator(np.random.PCG64(seed))
    variances = np.full(dimension, TAIL / (dimension - STRONG))
    variances[:STRONG] = 1.0
    features = generator.standard_normal((SAMPLES, dimension)) * np.sqrt(variances)
    targets = features @ truth(dimension) + NOISE * generator.standard_normal(SAMPLES)
    return features, targets, variances


def truth(dimension: int) -> np.ndarray:
    """Return the predictor (d,) behind the targets."""
    return np.where(np.arange(dimension) < STRONG, 1.0 / np.sqrt(STRONG), 0.0)


def risk(w: np.ndarray, variances: np.ndarray) -> float:
    """Return the excess risk of a predictor."""
    return float(((w - truth(w.size)) ** 2 * variances).sum())


def interpolate(dimension: int, seed: int, offset: float) -> tuple[float, float]:
    """Return the excess risk of the end of gradient descent, and its distance to X^+ y."""
    features, targets, variances = problem(dimension, seed)
    curvatures = np.linalg.svd(features, compute_uv=False) ** 2
    rate = 2.0 / (curvatures[0] + curvatures[-1])
    theta = np.full(dimension, offset / np.sqrt(dimension))
    instance, hypers = regression(features, targets), [{"learning_rate": rate}]
    chunk = start(instance, "linear", "gradient_descent", hypers, theta)
    steps = int(min(25.0 * curvatures[0] / curvatures[-1], 500_000))
    chunk.advance(steps, steps=np.array([steps]))
    w = chunk.runs.w[0]
    least = np.linalg.lstsq(features, targets, rcond=None)[0]
    error = np.linalg.norm(w - least) / np.linalg.norm(least)
    return risk(w, variances), float(error)
