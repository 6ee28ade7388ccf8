"""THE loop: every optimizer meets every problem here, K runs in lockstep."""

from __future__ import annotations

import numpy as np

from optbench.engine.evaluation import absolute_sum, evaluate
from optbench.engine.oracles.catalogue import call_work
from optbench.engine.passages import follow
from optbench.engine.types import DIVERGED, RUNNING, Data, Kernels, Rule, Runs, Scratch, call_update
from optbench.engine.units import IN_TAIL, SMALLEST, UNIT_STEP, change_unit, has_room


def advance(
    first,
    last,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    aside: Runs,
    rule: Rule,
    memories,
):
    """Take steps first + 1, ..., last; return the number of steps taken.

    Loss and gradient at the last iterate are left in ``runs``: a later call continues from them
    bit for bit.  ``advance(0, 0, ...)`` evaluates the start.  Where the optimizer does not ask for
    the gradient at theta, the objective is evaluated there at the last step only.  What else it
    asks for, such as a sample or a probe, is found at the beginning of the step that uses it: a run
    does not depend on where it was interrupted.  Probes and outputs are evaluated in ``aside``.
    """
    for step in range(first, last + 1):
        if step > first:
            for work in rule.before:
                call_work(work, (step, kernels, data, scratch, runs, aside, rule, memories))
            for run in range(runs.theta.shape[0]):
                if runs.status[run] == RUNNING:
                    update = rule.updates[runs.optimizer[run]]
                    call_update(update, (step, run, kernels, data, scratch, runs, rule))
        elif last > 0:
            continue  # evaluated before, by the call that ended at ``first``
        want_loss = step == last
        evaluating = want_loss or rule.every_step
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
                    elif runs.exponents[run] > 0 and not size < IN_TAIL:
                        change_unit(run, -runs.exponents[run], runs, rule)
                        evaluating = True
                    elif not size < np.inf:
                        runs.status[run] = DIVERGED
                        runs.stopped[run] = step
                    elif want_loss or runs.needs_loss[run]:
                        follow(step, run, runs)
        if want_loss:
            for work in rule.at_records:
                call_work(work, (step, kernels, data, scratch, runs, aside, rule, memories))
        if rule.stop[0] != 0:
            return step
    return last
