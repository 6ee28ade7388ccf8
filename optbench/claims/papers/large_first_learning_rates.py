"""S0-19: a first learning rate slightly too large to converge finds the best final solution."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

SAMPLES, DIMENSION, NOISE = 40, 100, 0.3
RATES = np.geomspace(0.016, 0.08, 17)  # steps of 10 %
REPEATS = 4
SMALL, HALF = 2e-3, 4000
CONVERGED = 1e-8  # of the loss at the start
NETWORK, RULE = "diagonal:scale=0.3", "stochastic_gradient_descent"


@claim(
    id="S0-19",
    title="Where do large learning rates lead us?",
    citation="Sadrtdinov, Kodryan, Pokonechny, Lobacheva, Vetrov 2024",
    arxiv="2410.22113",
    background="Networks are often trained with a large learning rate first and a small one after. "
    "How large is best? Below the largest rate that converges, the first phase ends in a minimum "
    "near by; far above it, training is lost. In between it wanders and finds better regions.",
    statement="Of the rates of a first half of training by stochastic gradient descent, those in a "
    "narrow range from the largest that converges give the least test error after a second half "
    "with a small rate.",
    formula="argmin over eta_0 of E ||w - w*||^2 in [eta_c, 4 eta_c], eta_c the largest constant "
    "rate that converges",
    cost="normal",
    tags=("regression", "diagonal", "learning_rate", "stochastic"),
    perturbation={"nonzeros": 20},
    then_fails="best rate / eta_c",
    remarks="Sizes, noise 0.3 and start are ours. A rate converges when all of four runs reduce "
    "the training loss by 1e-8 in 4000 steps; test errors are means of the four, infinite where "
    "one diverged: that is the worse side above. Rates are 10 % apart.",
)
def large_first_learning_rates(nonzeros: int = 3, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure u o u - v o v from 0.3, 40 noisy samples of 3-sparse targets in R^100, batch 1."""
    errors, critical = train(seed, nonzeros)
    ratio = RATES[errors.argmin()] / critical
    # "usually": on most instances
    yield Check.between("best rate / eta_c", ratio, 1.0 - 1e-9, 4.0, 1.0, share=0.7)
    name = "error at the best rate / at the better of the smallest and the largest rate"
    yield Check.below(name, errors.min() / min(errors[0], errors[-1]), 1.0, share=0.7)
    yield Curve(
        title=f"Test error is least near the critical first rate, {critical:.3f}",
        x_label="learning rate of the first phase",
        y_label="test error ||w - w*||^2, mean of 4 runs",
        x=RATES.tolist(),
        measured={"stochastic gradient descent": finite(errors).tolist()},
        log="x",
    )


def finite(errors: np.ndarray) -> np.ndarray:
    """Return nan in place of inf, which a figure cannot show."""
    return np.where(np.isfinite(errors), errors, np.nan)


def train(seed: int, nonzeros: int) -> tuple[np.ndarray, float]:
    """Return mean test errors by first rate, inf if a run diverged, and eta_c."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((SAMPLES, DIMENSION))
    target = np.zeros(DIMENSION)
    target[:nonzeros] = 1.0
    targets = features @ target + NOISE * generator.standard_normal(SAMPLES)
    instance = regression(features, targets, 1.0 / SAMPLES)
    rates = np.repeat(RATES, REPEATS)
    first = start(instance, NETWORK, RULE, [{"learning_rate": rate} for rate in rates])
    first.advance(HALF, steps=np.array([HALF]))
    before, after = first.records.log_loss[0], first.records.log_loss[-1]
    finite = np.isfinite(first.runs.theta).all(axis=1) & np.isfinite(after)
    theta = np.where(finite[:, None], first.runs.theta, 0.0)
    small = [{"learning_rate": SMALL}] * rates.size
    second = start(instance, NETWORK, RULE, small, theta)
    second.advance(HALF, steps=np.array([HALF]))
    errors = np.where(finite, np.sum((second.runs.w - target) ** 2, axis=1), np.inf)
    converged = (after < before + np.log(CONVERGED)).reshape(-1, REPEATS).all(axis=1)
    critical = RATES[converged][-1] if converged.any() else np.nan
    return errors.reshape(-1, REPEATS).mean(axis=1), float(critical)
