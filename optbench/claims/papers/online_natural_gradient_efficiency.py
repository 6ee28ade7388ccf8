"""S0-05: online natural gradient descent is as accurate as any estimate can be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

SIZE, SAMPLES, REPEATS, NOISE = 20, 4000, 50, 0.5
SCALES = np.geomspace(0.3, 3.0, SIZE)


@claim(
    id="S0-05",
    title="Analysis of natural gradient descent for multilayer neural networks",
    citation="Rattray, Saad 1999",
    arxiv="cond-mat/9901212",
    background="On-line learning sees each sample once. The natural gradient multiplies each "
    "sample's gradient by the inverse Fisher matrix. With a rate of 1/t it then estimates as well "
    "as any method can, whatever the scales of the inputs; a plain gradient with a constant rate "
    "keeps its noise along large inputs and is still far away along small ones.",
    statement="Online natural gradient descent reaches the Cramer-Rao bound: no estimate from the "
    "same samples has a smaller generalization error asymptotically. Stochastic gradient "
    "descent with a constant rate does not.",
    formula="E_g = E[(x . (w - w*))^2] / 2 = sigma^2 d / (2 t) after t samples",
    cost="normal",
    tags=("regression", "online", "natural_gradient", "stochastic"),
    perturbation={"optimizer": "stochastic_gradient_descent"},
    then_fails="natural gradient: E_g",
    remarks="Seeds 0 to 49, one a repeat: inputs, noise and w* are Gaussian; runs start at zero. "
    "The mean of E_g over 50 repeats has a standard error of 4.5 % (chi-squared with 20 degrees "
    "of freedom), so that the tolerance is three of them; an error 1.5 "
    "times as large could not be chance. Online natural gradient on this "
    "loss is recursive least squares. Not measured: the paper's shorter plateaus of a soft "
    "committee machine with two hidden units.",
)
def online_natural_gradient_efficiency(
    optimizer: str = "online_natural_gradient",
) -> Iterator[Check | Curve]:
    """Measure on streams of 4000 samples of 20 inputs, 50 repeats."""
    steps, natural = errors(optimizer)
    _, plain = errors("stochastic_gradient_descent")
    bound = NOISE**2 * SIZE / (2.0 * np.maximum(steps, 1))
    ratio = natural[-1] / bound[-1]
    # three standard errors of the mean of 50 repeats
    yield Check.between("natural gradient: E_g 2 t / (sigma^2 d)", ratio, 0.865, 1.135)
    worse = plain[-1] / natural[-1]
    yield Check.at_least("stochastic gradient: E_g over that of the natural gradient", worse, 1.5)
    yield Curve(
        "The natural gradient estimates as well as any method can",
        "samples seen, t",
        "generalization error",
        steps[1:].tolist(),
        {
            "online natural gradient": natural[1:].tolist(),
            "stochastic gradient descent": plain[1:].tolist(),
        },
        {"Cramer-Rao bound": bound[1:].tolist()},
        "xy",
    )


def errors(optimizer: str) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and the mean of E_g over the repeats; each sample is seen once."""
    from optbench.registry import load_registry

    build = load_registry().problem("regression_stream").build
    hypers = {"learning_rate": 0.005} if optimizer == "stochastic_gradient_descent" else {}
    found = []
    for seed in range(REPEATS):
        teacher = np.random.Generator(np.random.PCG64(seed)).standard_normal(SIZE)
        stream = build(samples=SAMPLES, d=SIZE, noise=NOISE, seed=seed)
        chunk = start(stream, "linear", optimizer, [hypers])
        chunk.advance(SAMPLES, steps=np.geomspace(25, SAMPLES, 12).astype(int))
        away = (chunk.records.snapshots[:, 0] - teacher) * SCALES
        found.append(0.5 * np.sum(away**2, axis=1))
    return chunk.records.steps, np.mean(found, axis=0)
