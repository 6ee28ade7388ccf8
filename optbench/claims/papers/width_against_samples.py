"""S1-10: the width from which two-layer tanh networks fit n samples grows slower than n^2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, start
from optbench.instance import Instance

COUNTS = np.array([16, 23, 32, 45])
DIMENSION, STARTS, HORIZON, RATE = 10, 3, 1000, 8.0


@claim(
    id="S1-10",
    title="Subquadratic overparameterization for shallow neural networks",
    citation="Song, Ramezani-Kebrya, Pethick, Eftekhari, Cevher 2021",
    arxiv="2111.01875",
    background="How many neurons does gradient descent need to fit n samples with any labels? "
    "Early proofs asked for a high power of n. This paper trains both layers from a standard start "
    "with a smooth activation and needs fewer than n^2 neurons; as many parameters as samples, "
    "hence a number of neurons proportional to n, are the least that one can hope for.",
    statement="The smallest number of neurons with which gradient descent fits n random labels "
    "grows slower than n^2.",
    formula="slope of log m_min in log n < 2; for as many parameters as samples, m (d + 1) = n: 1",
    cost="normal",
    tags=("network", "tanh", "width"),
    seeds=10,
    perturbation={"distinct": False},
    then_fails="slope of log m_min",
    remarks="Both layers of a network in 10 dimensions are trained, unit inputs, random signs as "
    "labels, Gaussian inner weights, random signs outside, divided by the square root of m. "
    "Fitted means a mean of half squares of 1e-6 within 1,000 steps of learning rate 8; m_min is "
    "the mean over three starts. Widths are tried one by one from as many parameters as samples "
    "on. A slope depends on these choices and four small n say nothing about large ones; the "
    "paper proves an upper bound.",
)
def width_against_samples(distinct: bool = True, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure n = 16 to 45; ``distinct=False`` gives each input twice, with independent labels."""
    generator = np.random.Generator(np.random.PCG64(seed))
    least: list[float] = []
    for count in COUNTS:
        least.append(smallest_width(labelled(count, distinct, generator), count, generator))
        if np.isnan(least[-1]):
            break
    slope = log_slope(COUNTS, np.array(least)) if len(least) == len(COUNTS) else np.nan
    yield Check.at_most("slope of log m_min in log n", slope, 2.0, 1.0)
    yield Curve(
        "Fitting random labels takes far fewer neurons than n^2",
        "samples n",
        "smallest width (neurons)",
        COUNTS[: len(least)].tolist(),
        {"measured, mean of three starts": least},
        {
            "as many weights as samples": (COUNTS / (DIMENSION + 1)).tolist(),
            "n^2": (COUNTS**2 / COUNTS[0] ** 2 * least[0]).tolist(),
        },
        log="xy",
    )


def labelled(count: int, distinct: bool, generator: np.random.Generator) -> Instance:
    """Return the tanh network's squared loss on unit inputs with random signs as labels."""
    from optbench.registry import load_registry

    family = load_registry().problem("small_network")
    instance: Instance = family.build(activation="tanh", loss="square", n=int(count), d=DIMENSION)
    inputs = generator.standard_normal((count, DIMENSION))
    if not distinct:
        inputs[count // 2 :] = inputs[: count // 2]
    unit = inputs / np.linalg.norm(inputs, axis=1)[:, None]
    return replace(instance, features=unit, targets=generator.choice([-1.0, 1.0], count))


def smallest_width(instance: Instance, samples: int, generator: np.random.Generator) -> float:
    """Return the mean over the starts of the first width that fits; nan when none up to n does."""

    first = np.full(STARTS, np.nan)
    for width in range(-(-samples // (DIMENSION + 1)), samples + 1):
        inner = generator.standard_normal((STARTS, width * DIMENSION))
        theta = np.hstack([inner, generator.choice([-1.0, 1.0], (STARTS, width))])
        left = np.flatnonzero(np.isnan(first))
        rates = [{"learning_rate": RATE}] * left.size
        layers = [(0, width, DIMENSION), (width * DIMENSION, 1, width)]
        sized = replace(instance, start=theta[0], layers=layers)
        chunk = start(sized, "linear", "gradient_descent", rates, theta[left])
        chunk.advance(HORIZON)
        first[left[np.min(chunk.records.log_loss, axis=0) <= np.log(1e-6)]] = width
        if not np.isnan(first).any():
            break
    return float(np.mean(first))
