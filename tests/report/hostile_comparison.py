"""A comparison in which every text that a user may give is a script."""

import dataclasses

import numpy as np
from example_comparison import DIGITS, EXAMPLE, bias, convergence

from optbench.columns import LearningRate
from optbench.status import Status
from optbench.traces import Trace

NASTY = '<script>alert("1")</script><img src=x onerror=alert(2)>\'"&amp;'


def hostile_comparison():
    """Return it: one run with a trace and two learning rates."""
    place = {**DIGITS, "instance": NASTY}
    facts = dataclasses.replace(
        EXAMPLE.instances[0], instance=NASTY, source=NASTY, more={"loss": NASTY}
    )
    rates = tuple(
        LearningRate(learning_rate=rate, steps=9, status=Status.HORIZON, selected=NASTY)
        for rate in (0.1, 1.0)
    )
    row = {"hyperparameters": {NASTY: 1.0}, "reason": NASTY, "parametrization": NASTY}
    ones = np.ones((2, 1))
    trace = Trace(
        **place, optimizer=NASTY, parametrization=NASTY, learning_rate=1.0, won=True,
        steps=np.array([1, 2]), evaluations=ones, loss=ones, log_gap=-ones,
        measures={NASTY: ones},
    )  # fmt: skip
    return dataclasses.replace(
        EXAMPLE,
        instances=[facts],
        bias_rows=[bias(place, NASTY, NASTY, NASTY, {NASTY: 0.5}, condition=NASTY, **row)],
        convergence_rows=[convergence(place, NASTY, (1, 2, 3, 4, 5), learning_rates=rates, **row)],
        traces=[trace],
        notes=[NASTY],
        environment={"processor": NASTY, "command": NASTY, "papers": {NASTY: f"{NASTY} Doe 2020"}},
    )
