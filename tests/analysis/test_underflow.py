"""A gradient that underflows says so, with the step, and names what would help."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import optbench
from optbench import Hyper, Slot, optimizer
from optbench.contract import Optimizer
from optbench.engine.records import record_steps

# Centred and with unit variance: steps of length 1 along (1, -1) add 2 to the margin of both rows
DATA = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([1.0, -1.0])
HORIZON = 2000
SMALLEST = -math.log(np.finfo(float).tiny)  # exp(-708.4) is the smallest number with all digits


@optimizer(reference="a test")
def one_by_one(theta, grad, learning_rate=Hyper(1.0)):
    """Sign descent that does not say that it is homogeneous."""
    for i in range(theta.size):
        theta[i] -= learning_rate if grad[i] > 0.0 else -learning_rate if grad[i] < 0.0 else 0.0


@optimizer(reference="a test")
def by_squares(theta, grad, square=Slot(), learning_rate=Hyper(1.0)):
    """The same with a slot for squares."""
    for i in range(theta.size):
        square[i] = grad[i] * grad[i]
        theta[i] -= learning_rate if grad[i] > 0.0 else -learning_rate if grad[i] < 0.0 else 0.0


def told(rule: Optimizer, horizon: int = HORIZON) -> list[str]:
    """Return the reasons of both tables."""
    result = optbench.compare(DATA, rule, horizon=horizon)
    rows = (*result.bias_rows, *result.convergence_rows)
    assert len(rows) == 2
    return [row.reason or "" for row in rows]


def first_record(size: float, horizon: int = HORIZON) -> str:
    """Return the first recorded step at which the loss, exp(-2 step), is below exp(-size)."""
    steps = record_steps(horizon)
    return f"{steps[2 * steps > size][0]:,}"


def test_the_step_at_which_a_gradient_underflows() -> None:
    words = f"the gradient underflowed at step {first_record(SMALLEST)}: "
    for reason in told(one_by_one):
        assert reason.startswith(words)
        assert "declare homogeneous=True" in reason and "\n" not in reason


def test_the_step_at_which_its_square_does() -> None:
    """At step 180 the gradient is exp(-360), its square exp(-720) < 1e-308."""
    words = f"the square of the gradient underflowed at step {first_record(SMALLEST / 2, 180)}: "
    assert all(reason.startswith(words) for reason in told(by_squares, 180))


@pytest.mark.parametrize("rule", [one_by_one, by_squares], ids=lambda rule: rule.name)
def test_nothing_is_said_where_nothing_underflowed(rule: Optimizer) -> None:
    assert not any("underflowed" in reason for reason in told(rule, 170))


def test_a_declared_rule_goes_on() -> None:
    declared = dataclasses.replace(one_by_one, homogeneous=True)
    assert not any("underflowed" in reason for reason in told(declared))
