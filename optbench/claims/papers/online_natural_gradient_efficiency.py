"""S0-05: online natural gradient descent is as accurate as can be, and leaves plateaus at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

SIZE, SAMPLES, REPEATS, NOISE = 20, 4000, 50, 0.5
SCALES = np.geomspace(0.3, 3.0, SIZE)
# the symmetric plateau of two units: its error (Saad, Solla 1995), and how fast it is left
PLATEAU = 2.0 / np.pi * (np.pi / 6.0 - 2.0 * np.arcsin(0.25))
GROWTH = 0.8 / (np.pi * np.sqrt(15.0))
ASYMMETRIES = (1e-2, 1e-4, 1e-6)
SETTINGS = {"natural gradient": (0.02, 8.0), "gradient descent": (0.2, 400.0)}  # rate, end
RECORDS = 200


@claim(
    id="S0-05",
    title="Analysis of natural gradient descent for multilayer neural networks",
    citation="Rattray, Saad 1999",
    arxiv="cond-mat/9901212",
    background="On-line learning sees each sample once. The natural gradient multiplies each "
    "sample's gradient by the inverse Fisher matrix. With a rate of 1/t it then estimates as well "
    "as any method can, whatever the scales of the inputs; a plain gradient with a constant rate "
    "keeps its noise along large inputs and is still far away along small ones. In a network of "
    "two units gradients wait on a plateau where both units do the same, the longer the more alike "
    "their starts; does the natural gradient?",
    statement="Online natural gradient descent reaches the Cramer-Rao bound: no estimate from the "
    "same samples has a smaller generalization error asymptotically. Stochastic gradient "
    "descent with a constant rate does not. On a soft committee machine the natural gradient "
    "shortens or removes the plateau at which gradient descent waits.",
    formula="E_g = E[(x . (w - w*))^2] / 2 = sigma^2 d / (2 t) after t samples; two units: plateau "
    "at E_g = (2/pi) (pi/6 - 2 arcsin(1/4)), left like exp(lambda t), lambda = 4 / (5 pi sqrt 15) "
    "(our derivation), by gradient descent",
    cost="normal",
    tags=("regression", "online", "natural_gradient", "stochastic"),
    perturbation={"optimizer": "stochastic_gradient_descent"},
    then_fails=("natural gradient: E_g", "committee, natural gradient: time"),
    remarks="Streams are measured once, with seeds 0 to 49, one a repeat: inputs, noise and w* are "
    "Gaussian; runs start at zero. The mean of E_g over 50 repeats has a standard error of "
    "4.5 % (chi-squared with 20 degrees of freedom), so that the tolerance is three of "
    "them; an error 1.5 times as large could not be chance. Online natural gradient on this "
    "loss is recursive least squares. The committee (erf, teacher B_1, B_2 orthonormal) is "
    "the limit of small rates, in which overlaps follow the population's gradient, or F^+ "
    "gradient, in any dimension; students have length 1/2 and random directions, and "
    "overlaps with the teacher of 1e-2, 1e-4 and 1e-6 times Gaussian numbers. Gradient "
    "descent waits log(1/overlap) / lambda; up to 15 % longer, as the units' difference "
    "orthogonal to the teacher decays without a rate of its own (its curvature at the "
    "plateau is 0). Of the paper only the abstract was at hand; its rates are not small and "
    "its inputs many.",
)
def online_natural_gradient_efficiency(
    optimizer: str = "online_natural_gradient", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure on 50 streams of 4000 samples of 20 inputs, and on committees of all seeds."""
    if seed == 0:
        yield from streams(optimizer)
    yield from plateaus(seed, optimizer == "online_natural_gradient")


def streams(optimizer: str) -> Iterator[Check | Curve]:
    """Compare E_g after t samples with the Cramer-Rao bound."""
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


def plateaus(seed: int, natural: bool) -> Iterator[Check | Curve]:
    """Measure how long two units wait until the error is half of that on the plateau."""
    growth = growth_at_the_plateau(seed)
    yield Check.close("committee, gradient descent: growth at the plateau", growth, GROWTH, 0.01)
    decades = np.log(ASYMMETRIES[0] / ASYMMETRIES[-1])
    waited, curves = {}, {}
    for name, (rate, end) in SETTINGS.items():
        if name == "natural gradient" and not natural:
            rate, end = SETTINGS["gradient descent"]
        times, errors = committees(seed, natural and name == "natural gradient", rate, end)
        waited[name] = np.array([first_below(0.5 * PLATEAU, times, each) for each in errors])
        longer = (waited[name][-1] - waited[name][0]) * GROWTH / decades
        label = f"committee, {name}: time lambda per e-fold of a smaller overlap"
        if name == "natural gradient":
            yield Check.at_most(label, longer, 0.01, 0.0)
        else:
            yield Check.between(label, longer, 0.97, 1.15)
        shown = np.geomspace(0.1, 400.0, 200)
        for overlap, each in zip(ASYMMETRIES[::2], errors[::2], strict=True):
            line = np.interp(shown, times, each)
            curves[f"{name}, overlap {overlap:g}"] = np.where(line > 1e-8, line, np.nan).tolist()
    shorter = (waited["natural gradient"] / waited["gradient descent"]).max()
    label = "committee, natural gradient: time to half the plateau over gradient descent's"
    yield Check.at_most(label, shorter, 1.0 / 3.0, 0.0)
    yield Curve(
        "Gradient descent waits on a plateau, the natural gradient does not",
        "time (steps x learning rate)",
        "generalization error of two units",
        shown.tolist(),
        curves,
        {"symmetric plateau": [float(PLATEAU)] * shown.size},
        "xy",
    )


def committees(seed: int, natural: bool, rate: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return times (T,) and errors (overlaps, T) from random students."""
    from optbench.claims.simulation.committee import SPACE, UNITS, committee

    generator = np.random.Generator(np.random.PCG64(seed))
    directions = generator.standard_normal((UNITS, SPACE - UNITS))
    directions *= 0.5 / np.linalg.norm(directions, axis=1, keepdims=True)
    along = generator.standard_normal((UNITS, UNITS))
    theta = np.array([np.hstack([size * along, directions]).ravel() for size in ASYMMETRIES])
    runs = [{"learning_rate": rate}] * len(ASYMMETRIES)
    chunk = start(committee(natural), "linear", "gradient_descent", runs, theta)
    steps = round(end / rate)
    chunk.advance(steps, steps=np.arange(0, steps + 1, steps // RECORDS))
    return chunk.records.steps * rate, chunk.records.loss.T


def first_below(level: float, times: np.ndarray, errors: np.ndarray) -> float:
    """Return when errors first fall below a level, interpolated; inf when they do not."""
    after = int(np.argmax(errors < level))
    if after == 0:
        return np.inf
    return float(np.interp(-level, -errors[after - 1 : after + 1], times[after - 1 : after + 1]))


def growth_at_the_plateau(seed: int) -> float:
    """Return d log|asymmetry| / dt of gradient descent from 1e-6 beside the symmetric plateau."""
    from optbench.claims.simulation.committee import SPACE, UNITS, committee

    generator = np.random.Generator(np.random.PCG64(seed))
    theta = 1e-6 * generator.standard_normal((UNITS, SPACE))
    theta[:, :UNITS] += 1.0 / np.sqrt(6.0)
    rate, times = 0.1, np.array([50.0, 100.0])
    chunk = start(
        committee(), "linear", "gradient_descent", [{"learning_rate": rate}], theta.ravel()
    )
    chunk.advance(round(times[1] / rate), steps=np.rint(times / rate).astype(int))
    overlaps = chunk.records.snapshots[:, 0].reshape(-1, UNITS, SPACE)[:, :, :UNITS]
    swapped = overlaps[:, 0, 0] - overlaps[:, 0, 1] - overlaps[:, 1, 0] + overlaps[:, 1, 1]
    return float(np.log(swapped[1] / swapped[0]) / (times[1] - times[0]))
