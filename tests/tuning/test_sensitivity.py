"""The width of the rates that are nearly as good as the best."""

from __future__ import annotations

import math

from optbench.tuning.score import LOST, Score
from optbench.tuning.sensitivity import width_in_decades


def left(share: float) -> Score:
    return Score(0, math.inf, 5, math.log(share), math.inf)


def kept(steps: float) -> Score:
    return Score(0, steps, 0, math.log(1e-9), steps)


def test_rates_within_twice_the_steps_count_half_a_decade_each():
    scores = [kept(5_000), kept(210), kept(100), kept(190), kept(202), LOST]
    assert width_in_decades(scores) == 1.0


def test_rates_within_twice_the_gap_count_where_none_is_solved():
    assert width_in_decades([left(0.1), left(0.019), left(0.01), left(0.0199), LOST]) == 1.5


def test_only_neighbours_count():
    """A rate on the other side of a bad one does not make tuning easier."""
    assert width_in_decades([kept(150), kept(5_000), kept(100), LOST]) == 0.5


def test_a_rate_that_loses_a_seed_is_not_nearly_as_good():
    assert width_in_decades([kept(100), Score(1, 110.0, 0, -20.0, 110.0)]) == 0.5


def test_nothing_is_known_where_nothing_moved():
    """All rates are within a factor of two of each other when none has halved the gap."""
    assert width_in_decades([left(0.99), left(0.7), left(0.51)]) is None
    assert width_in_decades([left(0.99), left(0.7), left(0.49)]) == 1.0
    assert width_in_decades([LOST, LOST]) is None
