"""The working memory of a chunk of runs: what the loop writes to and nobody else reads."""

from __future__ import annotations

import numpy as np

from optbench.engine.compiler.vectors import LANES
from optbench.engine.data.layouts import in_bands
from optbench.engine.data.panels import BLOCK_ROWS, aligned_zeros, padded_features
from optbench.engine.data.segments import make_board
from optbench.engine.types import Data, Pairs, Runs, Scratch


def working_memory(
    data: Data,
    runs: Runs,
    count: int,
    threads: int,
    segments: int,
    pullback: int,
    own: int,
    multiplying: bool = False,
) -> list[Scratch]:
    """Return working memory for some runs, for each thread.

    Parameters
    ----------
    data, runs
        What they read, and the chunk that they are of.
    count : int
        How many runs are evaluated at once.
    threads, segments : int
        How many share a step, and in how many segments the rows lie.
    pullback, own : int
        Numbers that the parametrization needs, and an objective of the plug-in's own.
    multiplying : bool
        Whether Hessians are multiplied with probes: theta and probe are two outputs then.
    """
    dimension, sparse = runs.w.shape[1], data.starts.size > 0
    features, outputs = dimension // data.outputs, 2 if multiplying else data.outputs
    dense = data.panels.shape[1] if sparse else padded_features(features)
    sums = dense // LANES if in_bands(data.panels) else dense
    together = (LANES if count >= LANES else 1) if sparse else 0
    if sparse and outputs > 1:
        together = max(outputs, 0 if data.several else together)
    rows = max(LANES, outputs + 1) * BLOCK_ROWS  # sampled gradients need one more a row
    several = segments if segments > 1 else 0
    losses, gradients = np.zeros((2 * several, count)), np.zeros((several, count, dimension))
    board = make_board(threads)
    return [
        Scratch(
            sums=aligned_zeros(count * outputs, sums, LANES),
            predictions=aligned_zeros(rows),
            targets=aligned_zeros(data.target_size * BLOCK_ROWS),
            slopes=aligned_zeros(rows),
            lanes=aligned_zeros(together * (data.targets.size // data.target_size + 1)),
            weights=aligned_zeros(together * (padded_features(features) + 1)),
            dense=aligned_zeros(max(LANES, outputs), dense if sparse else 0),
            losses=losses,
            gradients=gradients,
            board=board,
            pullback=np.zeros((count, pullback)),
            rng=runs.rng,
            own=aligned_zeros(own),
            pairs=make_pairs(count if multiplying else 0, dimension),
        )
        for _ in range(threads)
    ]


def make_pairs(count: int, dimension: int) -> Pairs:
    """Return room for theta and a probe of so many runs."""
    return Pairs(
        w=np.zeros((count, 2 * dimension)),
        gradient_w=np.zeros((count, 2 * dimension)),
        exponents=np.zeros(count, np.int64),
        needs_loss=np.zeros(count, np.bool_),
        loss=np.zeros(count),
        lowest=np.zeros(count),
    )
