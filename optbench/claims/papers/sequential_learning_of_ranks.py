"""S2-01: two-layer linear networks learn reduced-rank regression solutions one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

WIDTHS = (8, 8, 6)
MODES = np.array([4.0, 2.0, 1.0, 0.5])


@claim(
    id="S2-01",
    title="Implicit regularization of discrete gradient dynamics in linear neural networks",
    citation="Gidel, Bach, Lacoste-Julien 2019",
    arxiv="1904.13262",
    background="Two linear layers started near zero learn the singular directions of the data "
    "one after the other. Between the jumps the network is the best one of its "
    "rank: the solution of reduced-rank regression. Times of the jumps and plateaus "
    "are predicted in closed form.",
    statement="With vanishing initialization and small steps a two-layer linear network learns the "
    "singular values of the target one after the other, the largest first: in between it is at "
    "the reduced-rank regression solutions.",
    formula="s_i(t) = s e^(2 s t) / (e^(2 s t) - 1 + s / a0); half-time log(1/a) / s from weights "
    "of size a",
    cost="normal",
    tags=("matrix", "deep_linear", "sequential_learning"),
    aliases=("S1-01",),
    seeds=10,
    perturbation={"optimizer": "sign_descent"},
    then_fails="a = 1e-4: plateau distance to rank 1",
    remarks="Gaussian of scale a is read as entries of standard deviation a / sqrt(width). "
    "With standard deviation a the half-times at a = 1e-4 are 0.89 to 1.03 of "
    "log(1/a)/s, outside the interval of the criterion.",
)
def sequential_learning_of_ranks(
    optimizer: str = "gradient_descent", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure a 6 x 8 target with singular values 4, 2, 1, 0.5, 0, 0 (seed 0), 8 hidden units."""
    generator = np.random.Generator(np.random.PCG64(seed))
    left = np.linalg.qr(generator.standard_normal((6, 6)))[0]
    right = np.linalg.qr(generator.standard_normal((8, 8)))[0]
    modes = np.r_[MODES, 0.0, 0.0]
    target = (left * modes) @ right[:, :6].T
    for first in (1e-4, 1e-8):
        yield from aligned(left, right, target, first, optimizer)
    yield from random(target, optimizer, seed)


def trajectory(
    target: np.ndarray, theta: np.ndarray, rate: float, horizon: int, every: int, optimizer: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return times (R,) and products W_2 W_1 (R, K, 6, 8) of runs from theta (K, p)."""
    from optbench.claims.simulation.network import network, product

    instance = network(WIDTHS, np.eye(8), target)
    chunk = start(instance, "linear", optimizer, [{"learning_rate": rate}] * len(theta), theta)
    chunk.advance(horizon, steps=np.arange(0, horizon + 1, every))
    return chunk.records.steps * rate, product(chunk.records.snapshots, WIDTHS)


def half_time(times: np.ndarray, values: np.ndarray, half: float) -> float:
    """First time at which values reach half, interpolated."""
    late = int(np.argmax(values >= half))
    if late == 0:
        return float("nan")
    share = (half - values[late - 1]) / (values[late] - values[late - 1])
    return float(times[late - 1] + share * (times[late] - times[late - 1]))


def aligned(
    left: np.ndarray, right: np.ndarray, target: np.ndarray, first: float, optimizer: str
) -> Iterator[Check | Curve]:
    """From W_1 = sqrt(a0) V^T, W_2 = sqrt(a0) U every mode follows its closed form."""
    second = np.zeros((6, 8))
    second[:, :6] = np.sqrt(first) * left
    theta = np.concatenate([np.sqrt(first) * right.T.ravel(), second.ravel()])
    times, products = trajectory(target, theta[None], 1e-3, 25_000, 25, optimizer)
    found = np.einsum("ai,tab,bi->ti", left[:, :4], products[:, 0], right[:, :4])
    growth = np.exp(2.0 * MODES * times[:, None])
    exact = MODES * growth / (growth - 1.0 + MODES / first)
    halves = np.array([half_time(times, found[:, i], s / 2.0) for i, s in enumerate(MODES)])
    predicted = np.log(MODES / first - 1.0) / (2.0 * MODES)
    yield Check.at_most(
        f"a0 = {first:g}: largest error of the modes / s",
        (np.abs(found - exact) / MODES).max(),
        0.01,
    )
    yield Check.at_most(
        f"a0 = {first:g}: largest relative error of a half-time",
        np.abs(halves / predicted - 1.0).max(),
        0.02,
    )
    rows = np.unique(np.geomspace(8, times.size - 1, 150).astype(int))
    names = [f"s = {s:g}" for s in MODES]
    yield Curve(
        f"Singular values are learnt one by one (start {first:g})",
        "time (steps x learning rate)",
        "singular value of the product",
        times[rows].tolist(),
        dict(zip(names, found[rows].T.tolist(), strict=True)),
        dict(zip(names, exact[rows].T.tolist(), strict=True)),
        log="x",
    )


def random(target: np.ndarray, optimizer: str, seed: int) -> Iterator[Check]:
    """From Gaussian weights of size a, three seeds: half-times, and the plateaus between them.

    Entries have the standard deviation a / sqrt(8), so that the matrices, not the entries, are of
    size a whatever the width; a factor in a only shifts log(1/a).
    """
    from optbench.references.reduced_rank import reduced_rank

    worst = []
    for size in (1e-2, 1e-4, 1e-6):
        weights = np.random.Generator(np.random.PCG64([1, seed])).standard_normal(
            (3, 112)
        ) / np.sqrt(8.0)
        times, products = trajectory(target, size * weights, 2e-3, 24_000, 20, optimizer)
        found = np.linalg.svd(products, compute_uv=False)
        ratios = np.array([
            half_time(times, found[:, run, i], s / 2.0) / (np.log(1.0 / size) / s)
            for run in range(3)
            for i, s in enumerate(MODES)
        ])  # fmt: skip
        worst.append(float(np.abs(ratios - 1.0).max()))
        if size == 1e-4:
            yield Check.reported("a = 1e-4: least half-time / predicted", ratios.min())
            yield Check.reported("a = 1e-4: largest half-time / predicted", ratios.max())
            for rank in (1, 2, 3):
                reduced = reduced_rank(np.eye(8), target.T, rank).solution.reshape(6, 8)
                distance = np.linalg.norm(products - reduced, axis=(2, 3)).min(axis=0).max()
                relative = distance / np.linalg.norm(reduced)
                yield Check.at_most(f"a = 1e-4: plateau distance to rank {rank}", relative, 5e-3)
    shrinks = max(worst[1] / worst[0], worst[2] / worst[1])
    yield Check.below("largest error of the half-times: ratio as a falls", shrinks, 1.0)
    # s t = log(1/a) + O(1): the same number of units late, or early, however small the start is
    late = worst[2] * np.log(1e6) / (worst[1] * np.log(1e4))
    name = "largest |s half-time - log(1/a)|: a = 1e-6 over 1e-4"
    yield Check.between(name, late, 0.95, 1.05)
