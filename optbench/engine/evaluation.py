"""Evaluate the objective where the runs are, in theta or beside it."""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from optbench.engine.compiler.overloads import INLINED, called, inlined
from optbench.engine.passages import ask_for_losses
from optbench.engine.penalties import add_penalties
from optbench.engine.types import (
    DIVERGED,
    RUNNING,
    Data,
    Kernels,
    Rule,
    Runs,
    Scratch,
    call_forward,
    call_objective,
    call_pull_back,
)


@inlined
def evaluate(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs, rule: Rule):
    """Write gradients at theta, and losses: those of all runs if wanted, or where needed."""
    map_forward(kernels, scratch, runs, rule)
    ask_for_losses(runs)
    call_objective(kernels.objective, (want_loss, kernels, data, scratch, runs))
    if rule.composite:
        add_penalties(want_loss, kernels, runs, rule)
    map_back(kernels, scratch, runs, rule)


@inlined
def map_forward(kernels: Kernels, scratch: Scratch, runs: Runs, rule: Rule):
    """Write predictors, unless they are theta."""
    if not rule.linear:
        call_forward(kernels.forward, (runs.theta, rule.layers, scratch.pullback, runs.w))


@inlined
def map_back(kernels: Kernels, scratch: Scratch, runs: Runs, rule: Rule):
    """Write gradients in theta, unless they are those in the predictor."""
    if not rule.linear:
        call_pull_back(
            kernels.pull_back,
            (runs.theta, rule.layers, scratch.pullback, runs.gradient_w, runs.gradient),
        )


@inlined
def hand_over_rng(run, source: Runs, target: Runs):
    """Copy the state of a run's random numbers."""
    for i in range(2):
        target.rng[run, i] = source.rng[run, i]


@inlined
def end_diverged(step, numbers, runs: Runs):
    """End runs of whose numbers, gradients or parameters, one is not finite."""
    for run in range(runs.theta.shape[0]):
        if runs.status[run] == RUNNING and not absolute_sum(numbers[run]) < np.inf:
            runs.status[run] = DIVERGED
            runs.stopped[run] = step


@register_jitable(fastmath={"reassoc"}, **INLINED)
def absolute_sum(values):
    """Sum absolute values: not finite when any of them is not."""
    total = 0.0
    for i in range(values.size):
        total += abs(values[i])
    return total


@called
def scale(numbers, factor):
    """Multiply numbers."""
    for i in range(numbers.size):
        numbers[i] *= factor
