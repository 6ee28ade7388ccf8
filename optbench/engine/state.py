"""Make, pick and join the named tuples that hold the full state of runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optbench.engine.passages import no_passages
from optbench.engine.types import Rule, Runs
from optbench.random import seeded


def fresh_runs(
    theta: np.ndarray,
    state: np.ndarray,
    hypers: np.ndarray,
    seeds: Sequence[int],
    horizons: Sequence[int],
    dimension: int,
    linear: bool,
    needs_loss: bool,
    passages: dict[str, np.ndarray],
) -> Runs:
    """Return runs that have not begun; arrays that are given are theirs from now on."""
    count, parameters = theta.shape
    gradient = np.zeros((count, parameters))
    return Runs(
        optimizer=np.zeros(count, np.int64),
        needs_loss=np.full(count, needs_loss),
        theta=theta,
        w=theta if linear else np.zeros((count, dimension)),
        state=state,
        hypers=hypers,
        scaled_hypers=hypers.copy(),
        exponents=np.zeros(count, np.int64),
        status=np.zeros(count, np.int64),
        horizon=np.array(horizons, np.int64),
        stopped=np.zeros(count, np.int64),
        probed=np.zeros(count, np.int64),
        rng=np.stack([seeded(seed) for seed in seeds]),
        loss=np.zeros(count),
        lowest=np.zeros(count),
        gradient_w=gradient if linear else np.zeros((count, dimension)),
        gradient=gradient,
        **passages,
    )


def runs_aside(runs: Runs, rule: Rule, needs_loss: bool) -> Runs:
    """Return where the objective is evaluated beside theta; the runs themselves if it never is."""
    if not (rule.probing or rule.has_output):
        return runs
    count = runs.theta.shape[0]
    nothing = np.zeros((count, 0))
    return fresh_runs(
        runs.theta.copy(),
        nothing,
        nothing,
        [0] * count,
        [0] * count,
        runs.w.shape[1],
        rule.linear,
        needs_loss,
        no_passages(count, np.nan),
    )


def share_predictor(runs: Runs, linear: bool) -> Runs:
    """Let the predictor be theta itself where the parametrization is linear."""
    return runs._replace(w=runs.theta, gradient_w=runs.gradient) if linear else runs


def picked_runs(runs: Runs, rows: np.ndarray, linear: bool) -> Runs:
    """Return copies of some runs."""
    return share_predictor(Runs(*(array[rows] for array in runs)), linear)


def put_back(part: Runs, rows: np.ndarray, runs: Runs) -> None:
    """Write the first of some runs to where they were picked."""
    for name in Runs._fields:
        getattr(runs, name)[rows] = getattr(part, name)[: rows.size]
