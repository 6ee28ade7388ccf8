"""S3-17: towers of hypergradients make gradient descent insensitive to its first learning rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

CURVATURES = np.geomspace(1.0, 20.0, 10)
LARGEST = CURVATURES[-1]
RATES = np.geomspace(1e-6, 3e-2, 14)
KAPPA, KAPPA2 = 1e-5, 1e-13
SIZE = 2.0
STEPS, LATE = 500, 3000


@claim(
    id="S3-17",
    title="Gradient descent: the ultimate optimizer",
    citation="Chandra, Xie, Ragan-Kelley, Meijer 2022",
    arxiv="1909.13371",
    background="Why not learn the learning rate by gradient descent too, and the rate of that? "
    "The paper finds that each level added to the tower makes the result less sensitive "
    "to the number that must still be chosen. The claim measures that sensitivity over four "
    "decades.",
    statement="The learning rate can itself be learnt by gradient descent, and so can the learning "
    "rate of that: with a tower of height one or two the loss depends far less on the first rate.",
    formula="rate_t = rate_{t-1} + kappa g_t.g_{t-1}; height 0: loss = "
    "1/2 sum_i h_i theta_i^2 (1 - rate h_i)^(2t)",
    cost="fast",
    tags=("quadratic", "learning_rate"),
    perturbation={"kappa": 0.0},
    then_fails="height 1: decades",
    remarks="Runs start at 2 (1, ..., 1). From (1, ..., 1) all "
    "criteria hold but one: the first rate 3e-2 ends at 0.76/L, the others at 0.55/L, because the "
    "gradients vanish before the tower has forgotten where it began. Final rates agree within 5 % "
    "for sizes 1.7 to 2.6; from size 4 on the rates themselves run away and the loss diverges. "
    "Within 5 % is read as: of their mean.",
)
def hypergradient_towers(kappa: float = KAPPA) -> Iterator[Check | Curve]:
    """Measure curvatures geomspace(1, 20, 10), 500 steps, 14 first rates from 1e-6 to 3e-2."""
    exact = 0.5 * SIZE**2 * ((1.0 - np.outer(RATES, CURVATURES)) ** (2 * STEPS) @ CURVATURES)
    spread = decades(exact)
    losses = {}
    for height, levels in enumerate(((0.0, 0.0), (kappa, 0.0), (kappa, KAPPA2))):
        losses[height], final = tower(*levels)
        name = f"height {height}: decades between largest and smallest final loss"
        if height == 0:
            yield Check.at_least(name, decades(losses[0]), 10.0, spread)
            error = np.abs(losses[0] / exact - 1.0).max()
            # 1 - rate h is rounded, and taken to the power 1000
            yield Check.at_most("height 0: largest error against the closed form", error, 1e-11)
            continue
        yield Check.at_most(name, decades(losses[height]), 6.0, spread)
        lowest, highest = final.min() * LARGEST, final.max() * LARGEST
        yield Check.between(f"height {height}: smallest final rate times L", lowest, 0.3, 2.0)
        yield Check.between(f"height {height}: largest final rate times L", highest, 0.3, 2.0)
        deviation = np.abs(final / final.mean() - 1.0).max()
        yield Check.at_most(f"height {height}: deviation of final rates", deviation, 0.05)
    small = RATES <= 1e-3
    yield Check.at_most("height 1: largest loss from rates <= 1e-3", losses[1][small].max(), 1e-10)
    least = float(exact[small].min())
    yield Check.at_least("height 0: smallest loss from them", losses[0][small].min(), 0.1, least)
    yield Curve(
        title="With learned rates the first learning rate hardly matters",
        x_label="first learning rate",
        y_label=f"loss after {STEPS} steps",
        x=RATES.tolist(),
        measured={f"height {height}": loss.tolist() for height, loss in losses.items()},
        predicted={"height 0": exact.tolist()},
        log="xy",
    )


def decades(losses: np.ndarray) -> float:
    """log10 of the largest loss over the smallest."""
    return float(np.log10(losses.max() / losses.min()))


def tower(kappa: float, kappa2: float) -> tuple[np.ndarray, np.ndarray]:
    """Return losses after 500 steps and rates after 3000, one for each first rate."""
    instance = regression(np.diag(np.sqrt(CURVATURES)), np.zeros(CURVATURES.size))
    runs = [{"learning_rate": rate, "kappa": kappa, "kappa2": kappa2} for rate in RATES]
    theta = SIZE * np.ones(CURVATURES.size)
    chunk = start(instance, "linear", "hypergradient", runs, theta)
    chunk.advance(STEPS)
    losses = chunk.runs.loss.copy()
    chunk.advance(LATE)
    # the slots lie one after the other: the last gradient, then the rate
    return losses, chunk.runs.state[:, CURVATURES.size]
