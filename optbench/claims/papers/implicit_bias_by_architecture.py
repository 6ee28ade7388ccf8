"""S0-06: which margin a linear network maximises, by its architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import classification, start

if TYPE_CHECKING:
    from optbench.engine.chunk import Chunk

NETWORKS = {
    "deep_linear:widths=12": "fully connected, 2 layers",
    "deep_linear:widths=12x12": "fully connected, 3 layers",
    "diagonal:depth=2": "diagonal, 2 layers",
    "circular:depth=2": "convolutional, 2 layers",
}


@claim(
    id="S0-06",
    title="A unifying view on implicit bias in training linear neural networks",
    citation="Yun, Krishnan, Mobahi 2020",
    arxiv="2010.02501",
    background="With more unknowns than samples many separators fit; which one is found "
    "depends on the architecture even when all of them compute linear functions. "
    "The paper predicts it in one framework: fully connected networks maximise the "
    "L2 margin, those with two diagonal layers the L1 margin, two convolutional ones that in "
    "the Fourier domain. This claim is the shortest way to see that a "
    "parametrization is a prior.",
    statement="On separable data a fully connected linear network tends to the max margin in L2, a "
    "two-layer diagonal one in L1, a two-layer convolutional one in L1 of the discrete Fourier "
    "transform; the layers align with the leading singular vectors.",
    formula="w -> max margin in L_(2/L) of the basis in which the network is diagonal",
    cost="normal",
    tags=("classification", "deep_linear", "diagonal", "circular", "implicit_bias"),
    aliases=("S1-14",),
    perturbation={"optimizer": "coordinate_descent"},
    then_fails="deep_linear:widths=12: margin gap in L2 over",
)
def implicit_bias_by_architecture(
    optimizer: str = "normalized_gradient_descent", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 6 points in 12 dimensions (generator 11), exponential loss, 6e4 normalized steps."""
    from optbench.references import max_margin

    rows = np.random.Generator(np.random.PCG64(seed)).standard_normal((6, 12))
    best = {
        "L1": max_margin(rows, 1.0).value,
        "L2": max_margin(rows, 2.0).value,
        "L1 of the DFT": fourier_margin(rows),
    }
    selected_gaps, other_gaps = {}, {}
    for parameters, selected, other in (
        ("deep_linear:widths=12", "L2", "L1"),
        ("deep_linear:widths=12x12", "L2", "L1"),
        ("diagonal:depth=2", "L1", "L2"),
        ("circular:depth=2", "L1 of the DFT", "L2"),
    ):
        records = prepared(rows, parameters, optimizer, 60_000).records
        steps, w = records.steps[1:], records.snapshots[1:, 0]
        margin = (w @ rows.T).min(axis=1)
        size = {
            "L1": np.abs(w).sum(axis=1),
            "L2": np.linalg.norm(w, axis=1),
            "L1 of the DFT": np.abs(np.fft.fft(w)).sum(axis=1),
        }
        gap = {norm: 1.0 - margin / size[norm] / value for norm, value in best.items()}
        ends, early = gap[selected][-1], gap[selected][np.searchsorted(steps, 6_000)]
        yield Check.reported(f"{parameters}: margin gap in {selected}", ends)
        name = f"{parameters}: margin gap in {selected}, step 6e4 over step 6e3"
        yield Check.below(name, ends / early, 1.0)
        name = f"{parameters}: margin gap in {selected} over that in {other}"
        # for convolutions the theorem promises a stationary point of the margin only
        share = 0.9 if parameters.startswith("circular") else 1.0
        yield Check.below(name, ends / gap[other][-1], 1.0, share=share)
        selected_gaps[f"{NETWORKS[parameters]}, {selected}"] = gap[selected]
        other_gaps[f"{NETWORKS[parameters]}, {other}"] = gap[other]
    yield from alignment(rows, optimizer)
    for title, gaps, log in (
        ("In the norm that belongs to the network the margin gap vanishes", selected_gaps, "xy"),
        ("In another norm the margin gap does not vanish", other_gaps, "x"),
    ):
        yield picture(title, steps, gaps, log)


def picture(title: str, steps: np.ndarray, gaps: Mapping[str, np.ndarray], log: str) -> Curve:
    """Margin gaps over steps, as soon as the data are separated."""
    lines = {name: np.where(gap < 1.0, gap, np.nan).tolist() for name, gap in gaps.items()}
    label = "margin gap, 1 - margin / largest"
    return Curve(title, "steps", label, steps.tolist(), lines, log=log)


def prepared(rows: np.ndarray, parameters: str, optimizer: str, horizon: int) -> Chunk:
    """Return a run of ``horizon`` steps of length 0.1 / sqrt t on the exponential loss."""
    hypers = [{"learning_rate": 0.1, "decay": 0.5}]
    chunk = start(classification(rows, "exponential"), parameters, optimizer, hypers)
    chunk.advance(horizon)
    return chunk


def alignment(rows: np.ndarray, optimizer: str) -> Iterator[Check]:
    """Between t = 1e3 and 2e5 the first layer grows in its leading singular direction only."""
    values = []
    chunk = prepared(rows, "deep_linear:widths=12", optimizer, 1_000)
    for horizon in (1_000, 200_000):
        chunk.advance(horizon)
        first = chunk.runs.theta[0, :144].reshape(12, 12)
        values.append(np.linalg.svd(first, compute_uv=False))
    change = abs(values[1][1] / values[0][1] - 1.0)
    yield Check.at_most("alignment: relative change of sigma_2(W_1)", change, 0.01)
    growth = values[1][0] / values[0][0]
    yield Check.at_least("alignment: growth of sigma_1(W_1)", growth, 5.0)


def fourier_margin(rows: np.ndarray) -> float:
    """Largest margin over the L1 norm of the unnormalised DFT, as a cone program (Clarabel)."""
    import clarabel
    from scipy import sparse

    count, size = rows.shape
    waves = np.fft.fft(np.eye(size))
    blocks = [-np.hstack([rows, np.zeros((count, size))])]
    for k in range(size):  # |F_k w| <= s_k
        block = np.zeros((3, 2 * size))
        block[0, size + k], block[1, :size], block[2, :size] = 1.0, waves[k].real, waves[k].imag
        blocks.append(-block)
    matrix = sparse.csc_matrix(np.vstack(blocks))
    right = np.r_[-np.ones(count), np.zeros(3 * size)]
    cost = np.r_[np.zeros(size), np.ones(size)]
    cones = [clarabel.NonnegativeConeT(count), *[clarabel.SecondOrderConeT(3)] * size]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    empty = sparse.csc_matrix((2 * size, 2 * size))
    solved = clarabel.DefaultSolver(empty, cost, matrix, right, cones, settings).solve()
    return 1.0 / float(solved.obj_val)
