"""S1-15: gradient descent from zero finds the least-norm interpolant, and that can be benign."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claim import Check, claim
from optbench.claims.simulation import regression, start

SAMPLES, STRONG, TAIL, SEEDS = 30, 5, 3.0, 20
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
    formula="w -> X^+ y; risk(d = 35) >= 5 risk(d = 200), risk(d) <= 2 risk(200) beyond",
    cost="normal",
    tags=("regression", "implicit_bias", "generalization"),
    perturbation={"offset": 3.0},
    then_fails="d = 200: largest distance",
)
def benign_interpolation(offset: float = 0.0) -> Iterator[Check]:
    """Measure 30 samples, 5 unit eigenvalues and a tail of mass 3, noise 0.5, seeds 0 to 19.

    ``offset`` is the distance from zero at which gradient descent starts.
    """
    risks: dict[int, float] = {}
    worst = 0.0
    for dimension in (35, 200, 1000, 4000):
        found = [interpolate(dimension, seed, offset) for seed in range(SEEDS)]
        risks[dimension] = float(np.mean([risk for risk, _ in found]))
        if dimension == 200:
            worst = max(error for _, error in found)
    yield Check.at_most("d = 200: largest distance to the least-norm interpolant", worst, 1e-8)
    yield Check.at_least("risk at d = 35 over risk at d = 200", risks[35] / risks[200], 5.0)
    for dimension in (1000, 4000):
        ratio = risks[dimension] / risks[200]
        yield Check.at_most(f"risk at d = {dimension} over risk at d = 200", ratio, 2.0)


def interpolate(dimension: int, seed: int, offset: float) -> tuple[float, float]:
    """Return the excess risk of the end of gradient descent, and its distance to X^+ y."""
    generator = np.random.Generator(np.random.PCG64(seed))
    variances = np.full(dimension, TAIL / (dimension - STRONG))
    variances[:STRONG] = 1.0
    features = generator.standard_normal((SAMPLES, dimension)) * np.sqrt(variances)
    truth = np.zeros(dimension)
    truth[:STRONG] = 1.0 / np.sqrt(STRONG)
    targets = features @ truth + NOISE * generator.standard_normal(SAMPLES)
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
    return float(((w - truth) ** 2 * variances).sum()), float(error)
