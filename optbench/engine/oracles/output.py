"""Outputs: what is measured where it is not theta, such as the mean of all iterates.

The update writes it; the objective is evaluated there at records only, in the second ``Runs``.  Its
loss may be in another unit than that at theta: an average lags behind.
"""

from __future__ import annotations

from optbench.engine.evaluation import absolute_sum, evaluate, hand_over_rng
from optbench.engine.oracles.declared import PLACES, Argument, Oracle, like_theta
from optbench.engine.oracles.kept import place_aside
from optbench.engine.types import RUNNING, Data, Kernels, Rule, Runs, Scratch
from optbench.engine.units import IN_TAIL, SMALLEST, UNIT_STEP

OUTPUT = PLACES["output"]
MOST_ROUNDS = 1000


def measure_outputs(
    step,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    aside: Runs,
    rule: Rule,
    memories,
):
    """Evaluate outputs, each in a unit in which its gradient has digits."""
    for run in range(runs.status.size):
        place_aside(OUTPUT, run, runs, aside, rule)
        hand_over_rng(run, runs, aside)
    evaluating, rounds = True, 0
    while evaluating and rounds < MOST_ROUNDS:
        evaluate(True, kernels, data, scratch, aside, rule)
        evaluating = False
        rounds += 1
        for run in range(runs.status.size):
            size = absolute_sum(aside.gradient[run])
            if runs.status[run] == RUNNING and rule.rescale[runs.optimizer[run]]:
                if size < SMALLEST:
                    aside.exponents[run] += UNIT_STEP
                    evaluating = True
                elif aside.exponents[run] > 0 and not size < IN_TAIL:
                    aside.exponents[run] -= UNIT_STEP
                    evaluating = True
    for run in range(runs.status.size):
        hand_over_rng(run, aside, runs)  # measuring draws nothing


ORACLE = Oracle(
    arguments={
        "output": Argument("{kept}", kept=like_theta, begins_as_theta=True, like_theta=True)
    },
    at_records=measure_outputs,
)
