"""S1-02: weight decay removes what deep linear networks never see of an inverse problem."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

WIDTHS = (6, 16, 16, 10)
ETA, DECAY, HORIZON = 0.05, 1e-3, 60_000


@claim(
    id="S1-02",
    title="Solving inverse problems with deep linear neural networks: global convergence "
    "guarantees for gradient descent with weight decay",
    citation="Laus, Parkinson, Charisopoulos, Krahmer, Willett 2025",
    arxiv="2502.15522",
    background="In an inverse problem one recovers signals from too few measurements, which is "
    "possible because they lie in a subspace. The paper shows that deep linear "
    "networks with weight decay find that subspace. The part of the weights that the data does not "
    "see then decays as (1 - eta lambda)^t; without decay it stays for ever.",
    statement="Deep linear networks trained with weight decay solve underdetermined inverse "
    "problems and forget the directions outside the latent subspace; without decay these stay as "
    "they were initialised.",
    formula="||W_1(t) P_perp|| / ||W_1(0) P_perp|| = (1 - eta decay)^t (our derivation)",
    cost="normal",
    tags=("matrix", "deep_linear", "weight_decay", "inverse_problem"),
    seeds=10,
    perturbation={"decay_factor": 0.0},
    then_fails="unseen part of the product",
    remarks="The signals are scaled to spectral norm 1. P_perp is the complement of the range of "
    "the measurements.",
)
def inverse_problems_with_weight_decay(
    decay_factor: float = 1.0, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 6 measurements of 10 unknowns in a plane, 40 samples, widths 16 (seed 0)."""
    from optbench.claims.simulation.network import matrices, network, product

    generator = np.random.Generator(np.random.PCG64(seed))
    sensing = generator.standard_normal((6, 10)) / np.sqrt(6.0)
    latent = np.linalg.qr(generator.standard_normal((10, 2)))[0]
    signals = latent @ generator.standard_normal((2, 40))
    signals = signals / np.linalg.norm(signals, 2)
    measured = sensing @ signals
    basis = np.linalg.svd(measured)[0][:, :2]
    unseen = np.eye(6) - basis @ basis.T
    theta = np.concatenate([
        (generator.standard_normal((rows, columns)) / np.sqrt(columns)).ravel()
        for columns, rows in pairwise(WIDTHS)
    ])  # fmt: skip
    begin = np.linalg.norm(matrices(theta, WIDTHS)[0] @ unseen)
    ends, kept, lines = [], [], {}
    for decay in (decay_factor * DECAY, 0.0):
        instance = network(WIDTHS, measured, signals, decay=decay)
        chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": ETA}], theta)
        chunk.advance(HORIZON)
        ends.append(product(chunk.runs.theta[0], WIDTHS))
        path = chunk.records.snapshots[:, 0]
        path = np.where(np.isnan(path), chunk.runs.theta[0], path)  # a run at rest stays there
        first = matrices(path, WIDTHS)[0]
        parts = np.linalg.norm(first @ unseen, axis=(1, 2)) / begin
        kept.append(float(parts[-1]))
        lines[f"decay {decay:g}"] = parts.tolist()
    yield Check.close(
        "decay 1e-3: unseen part of W_1", kept[0], (1.0 - ETA * DECAY) ** HORIZON, 0.01
    )
    yield Check.at_most("no decay: change of the unseen part of W_1", abs(kept[1] - 1.0), 1e-10)
    error = np.linalg.norm(ends[0] @ measured - signals) / np.linalg.norm(signals)
    yield Check.at_most("decay 1e-3: relative error on the data", error, 5e-3)
    reduction = np.linalg.norm(ends[1] @ unseen) / np.linalg.norm(ends[0] @ unseen)
    yield Check.at_least("unseen part of the product: reduction by decay", reduction, 20.0)
    steps = chunk.records.steps
    yield Curve(
        "With decay, weights that no data see fade away",
        "steps",
        "unseen part of W_1 / its first size",
        steps.tolist(),
        lines,
        {f"decay {decay:g}": ((1.0 - ETA * decay) ** steps).tolist() for decay in (DECAY, 0.0)},
        log="y",
    )
