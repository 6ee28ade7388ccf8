"""The units of runs: powers of two, so that gradients far below float64's range have all digits.

A homogeneous optimizer's gradient is handed over in units of 2**-exponent, so that losses of 1e-300
and far below neither underflow nor lose digits.  The unit moves by a power of two, which is exact;
squares of gradients (2**-800) still fit in a float64.
"""

from __future__ import annotations

import math

from optbench.engine.compiler.overloads import called
from optbench.engine.passages import set_band
from optbench.engine.types import Rule, Runs

UNIT_STEP = 400
SMALLEST = 2.0**-UNIT_STEP
IN_TAIL = 1.0  # a gradient as large, in a unit of its own, is outside of the loss's tail
ROOM = 2.0**1000


@called
def has_room(run, runs: Runs, rule: Rule):
    """Whether nothing that the run keeps would overflow in the next unit.

    A slot that would, such as Adam's second moment right after the gradient fell by 1e-240 in one
    step, outweighs the new gradient entirely: in the old unit that gradient is 0 to rounding.
    """
    own = runs.optimizer[run]
    for place in range(rule.degrees.shape[1]):
        limit = ROOM * math.pow(2.0, -float(UNIT_STEP * rule.degrees[own, place]))
        for i in range(rule.offsets[own, place], rule.offsets[own, place + 1]):
            if abs(runs.state[run, i]) > limit:
                return False
    return True


@called
def change_unit(run, powers, runs: Runs, rule: Rule):
    """Give the run's state and hyperparameters in a unit 2**powers times smaller: exact."""
    runs.exponents[run] += powers
    own = runs.optimizer[run]
    for place in range(rule.degrees.shape[1]):
        factor = math.pow(2.0, float(powers * rule.degrees[own, place]))
        for i in range(rule.offsets[own, place], rule.offsets[own, place + 1]):
            runs.state[run, i] *= factor
    for h in range(rule.hyper_degrees.shape[1]):
        power = min(float(rule.hyper_degrees[own, h] * runs.exponents[run]), 1000.0)
        runs.scaled_hypers[run, h] = runs.hypers[run, h] * math.pow(2.0, power)
    set_band(run, runs)


@called
def unit_moves(run, size, runs: Runs, rule: Rule):
    """Let a run's unit follow the size of a gradient that it gets; whether it did.

    Outside of the unit 1 losses are their tails: a row may be far from it where another one was in
    it, so that units fall as readily as they rise.
    """
    powers = 0
    if rule.rescale[runs.optimizer[run]]:
        if size < SMALLEST and has_room(run, runs, rule):
            powers = UNIT_STEP
        elif runs.exponents[run] > 0 and not size < IN_TAIL:
            powers = -min(UNIT_STEP, runs.exponents[run])
    if powers != 0:
        change_unit(run, powers, runs, rule)
    return powers != 0
