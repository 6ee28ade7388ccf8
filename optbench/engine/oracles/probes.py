"""Probes: the objective at points of the optimizer's choice, as many a step as it wants.

A step begins with trials: the probe kernel of each run writes a point or says that it has enough,
and all points of a batch are evaluated together, in a second ``Runs`` beside the first.  What a run
gets, gradient and loss at its probe, it keeps until its next probe, from step to step.  A probe may
be anywhere: a loss or a gradient that is not finite ends no run, an iterate that is not does.
"""

from __future__ import annotations

from optbench.contract.probes import MOST_TRIALS
from optbench.engine.compiler.overloads import called
from optbench.engine.evaluation import absolute_sum, end_diverged, evaluate, hand_over_rng
from optbench.engine.oracles.declared import PLACES, Argument, Oracle, like_theta, one_number
from optbench.engine.oracles.hessian_vector import multiply
from optbench.engine.oracles.kept import keep, place_aside
from optbench.engine.types import (
    CONVERGED,
    FAILED,
    RUNNING,
    Data,
    Kernels,
    Rule,
    Runs,
    Scratch,
    call_probe,
)
from optbench.engine.units import unit_moves

PROBE, GRADIENT, LOSS = (PLACES[name] for name in ("probe", "probe_grad", "probe_loss"))


def take_trials(
    step,
    kernels: Kernels,
    data: Data,
    scratch: Scratch,
    runs: Runs,
    aside: Runs,
    rule: Rule,
    memories,
):
    """Evaluate probes until every run has enough."""
    if not rule.every_step:
        end_diverged(step - 1, runs.theta, runs)
    for run in range(runs.status.size):
        aside.status[run] = runs.status[run]
    trial = 1
    while any_probe(step, trial, kernels, data, scratch, runs, aside, rule):
        if rule.multiplying:
            multiply(kernels, data, scratch, runs, aside, rule)
        if rule.evaluating:
            evaluate_probes(kernels, data, scratch, runs, aside, rule)
        trial += 1


@called
def evaluate_probes(
    kernels: Kernels, data: Data, scratch: Scratch, runs: Runs, aside: Runs, rule: Rule
):
    """Evaluate the objective at the probes of a trial."""
    evaluate(False, kernels, data, scratch, aside, rule)
    rounds = 0  # many where a probe is far away
    while not rule.every_step and rounds < MOST_TRIALS and units_move(runs, aside, rule):
        evaluate(False, kernels, data, scratch, aside, rule)
        rounds += 1
    for run in range(runs.status.size):
        if aside.status[run] == RUNNING:
            keep_results(run, runs, aside, rule)
        else:  # evaluated beside the others: it has drawn nothing
            hand_over_rng(run, aside, runs)


@called
def any_probe(
    step, trial, kernels: Kernels, data: Data, scratch: Scratch, runs: Runs, aside: Runs, rule: Rule
):
    """Let every run that has not enough write a point; whether one of them did."""
    found = False
    for run in range(runs.status.size):
        hand_over_rng(run, runs, aside)
        if aside.status[run] == RUNNING:
            own = runs.optimizer[run]
            given = (step, trial, run, kernels, data, scratch, runs, rule)
            if call_probe(rule.probes[own], given) == 0:
                aside.status[run] = CONVERGED
            elif trial > MOST_TRIALS:
                aside.status[run] = runs.status[run] = FAILED
                runs.stopped[run] = step
            else:
                place_aside(PROBE, run, runs, aside, rule)
                found = True
    return found


@called
def units_move(runs: Runs, aside: Runs, rule: Rule):
    """Let units follow the gradients at probes, where nobody asks for those at theta."""
    moved = False
    for run in range(runs.status.size):
        size = absolute_sum(aside.gradient[run])
        if aside.status[run] == RUNNING and unit_moves(run, size, runs, rule):
            aside.exponents[run] = runs.exponents[run]
            moved = True
    return moved


@called
def keep_results(run, runs: Runs, aside: Runs, rule: Rule):
    """Hand gradient and loss at a run's probe to it, where its optimizer asks for them."""
    keep(aside.gradient[run], GRADIENT, run, runs, rule)
    keep(aside.loss[run : run + 1], LOSS, run, runs, rule)
    runs.probed[run] += 1


ORACLE = Oracle(
    arguments={
        "probe": Argument(
            "read_only({kept})",
            "{kept}",
            kept=like_theta,
            begins_as_theta=True,
            like_theta=True,
        ),
        "probe_grad": Argument("read_only({kept})", kept=like_theta, degree=1, like_theta=True),
        "probe_loss": Argument("{kept}[0]", kept=one_number, degree=1),
        "trial": Argument("trial"),
    },
    work=take_trials,
)
