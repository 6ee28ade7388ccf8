"""THE loop: every optimizer meets every problem here, K runs in lockstep."""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

from optbench.engine.compiler.overloads import INLINED, called, inlined
from optbench.engine.oracles.natural_gradient import natural_gradients
from optbench.engine.oracles.sampled_gradient import sample_gradients
from optbench.engine.passages import ask_for_losses, follow, set_band
from optbench.engine.types import (
    DIVERGED,
    RUNNING,
    Data,
    Kernels,
    Oracle,
    Rule,
    Runs,
    Scratch,
    call_forward,
    call_objective,
    call_pull_back,
    call_update,
)

# A homogeneous optimizer's gradient is handed over in units of 2**-exponent, so that losses of
# 1e-300 and far below neither underflow nor lose digits.  The unit moves by this power of two,
# which is exact; squares of gradients (2**-800) still fit in a float64.
UNIT_STEP = 400
SMALLEST = 2.0**-UNIT_STEP
LARGEST = 2.0**UNIT_STEP
ROOM = 2.0**1000


def advance(
    first,
    last,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    rule: Rule,
    oracle: Oracle,
):
    """Take steps first + 1, ..., last; return the number of steps taken.

    Loss and gradient at the last iterate are left in ``runs``: a later call continues from them
    bit for bit.  ``advance(0, 0, ...)`` evaluates the start.  With samples the whole objective is
    evaluated at the last step only, and a sample is drawn at the beginning of the step that uses
    it: a run does not depend on where it was interrupted.
    """
    samples = oracle.batch >= 0
    for step in range(first, last + 1):
        if step > first:
            if samples:
                sample_gradients(step, kernels, data, scratch, runs, rule, oracle)
                end_diverged(step - 1, runs)
            if oracle.natural:
                natural_gradients(kernels, scratch, runs, rule, oracle)
            for run in range(runs.theta.shape[0]):
                if runs.status[run] == RUNNING:
                    update = rule.updates[runs.optimizer[run]]
                    call_update(update, (step, run, runs, rule))
        elif last > 0:
            continue  # evaluated before, by the call that ended at ``first``
        want_loss = step == last
        evaluating = step == last or not samples
        while evaluating:
            evaluate(want_loss, kernels, data, scratch, runs, rule)
            evaluating = False
            for run in range(runs.theta.shape[0]):
                if runs.status[run] == RUNNING:
                    size = absolute_sum(runs.gradient[run])
                    rescale = rule.rescale[runs.optimizer[run]]
                    if rescale and size < SMALLEST and has_room(run, runs, rule):
                        change_unit(run, UNIT_STEP, runs, rule)
                        evaluating = True
                    elif runs.exponents[run] > 0 and not size < LARGEST:
                        change_unit(run, -runs.exponents[run], runs, rule)
                        evaluating = True
                    elif not size < np.inf:
                        runs.status[run] = DIVERGED
                        runs.stopped[run] = step
                    elif want_loss or runs.needs_loss[run]:
                        follow(step, run, runs)
        if rule.stop[0] != 0:
            return step
    return last


@inlined
def evaluate(want_loss, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs, rule: Rule):
    """Write gradients at theta, and losses: those of all runs if wanted, or where needed."""
    if not rule.linear:
        call_forward(kernels.forward, (runs.theta, rule.layers, scratch.pullback, runs.w))
    ask_for_losses(runs)
    call_objective(kernels.objective, (want_loss, kernels, data, scratch, runs))
    if not rule.linear:
        call_pull_back(
            kernels.pull_back,
            (runs.theta, rule.layers, scratch.pullback, runs.gradient_w, runs.gradient),
        )


@inlined
def end_diverged(step, runs: Runs):
    """End runs whose gradient is not finite."""
    for run in range(runs.theta.shape[0]):
        if runs.status[run] == RUNNING and not absolute_sum(runs.gradient[run]) < np.inf:
            runs.status[run] = DIVERGED
            runs.stopped[run] = step


@called
def has_room(run, runs: Runs, rule: Rule):
    """Whether no slot would overflow in the next unit.

    A slot that would, such as Adam's second moment right after the gradient fell by 1e-240 in one
    step, outweighs the new gradient entirely: in the old unit that gradient is 0 to rounding.
    """
    own = runs.optimizer[run]
    for slot in range(rule.slot_degrees.shape[1]):
        limit = ROOM * math.pow(2.0, -float(UNIT_STEP * rule.slot_degrees[own, slot]))
        for i in range(rule.offsets[own, slot + 2], rule.offsets[own, slot + 3]):
            if abs(runs.state[run, i]) > limit:
                return False
    return True


@called
def change_unit(run, powers, runs: Runs, rule: Rule):
    """Give the run's slots and hyperparameters in a unit 2**powers times smaller: exact."""
    runs.exponents[run] += powers
    own = runs.optimizer[run]
    for slot in range(rule.slot_degrees.shape[1]):
        factor = math.pow(2.0, float(powers * rule.slot_degrees[own, slot]))
        for i in range(rule.offsets[own, slot + 2], rule.offsets[own, slot + 3]):
            runs.state[run, i] *= factor
    for h in range(rule.hyper_degrees.shape[1]):
        power = min(float(rule.hyper_degrees[own, h] * runs.exponents[run]), 1000.0)
        runs.scaled_hypers[run, h] = runs.hypers[run, h] * math.pow(2.0, power)
    set_band(run, runs)


@register_jitable(fastmath={"reassoc"}, **INLINED)
def absolute_sum(values):
    """Sum absolute values: not finite when any of them is not."""
    total = 0.0
    for i in range(values.size):
        total += abs(values[i])
    return total
