"""The interval of a law's value: what noise and what the window hides may move it by."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from optbench.analysis.rates.autoregression import LEAST_NOISE
from optbench.analysis.rates.candidates import Candidate, fitted
from optbench.analysis.rates.laws import LINEAR, LOG_POWER, ONTO_A_FLOOR, SPECTRUM

Array = NDArray[np.float64]

LEAST_RECORDS = 6  # of the last half
DRIFTED = 0.995  # level of the interval of the last half, which noise leaves once in 200
CARRIED_ON = 2.0  # of the change from all records to their last half
LEAST_OF_LOW = 0.5  # of the lower end, to which a trend is carried on beside a floor
WIDER_AFTER_A_TRANSIENT = 1.2  # whose end noise hid
WIDER = 1.1  # of an envelope, or beside a floor
SHARE_OF_SLOWEST = 1 / 8  # of the gap where a window begins before which other modes died out


def interval(
    candidate: Candidate, level: float, wild: bool, transient: bool, other_modes: bool
) -> tuple[float, float, float]:
    """Return the value and its interval, which follows a trend within the window.

    The last half of the records has a value of its own.  Where it differs by more than noise, or
    where there is no noise, the trend is carried on: the interval holds that value and goes twice
    as far beyond it.  Noise that hid the end of a transient, the dips of an oscillation and a floor
    move the value too.  Where modes faster than q^t died out before the window, q may be that of
    several: if the slowest one has a share of the gap at its first record, the gap falls over the
    window by at most 1 / share more than that mode.
    """
    value, low, high = candidate.value(level)
    width = WIDER if wild or candidate.law is ONTO_A_FLOOR else 1.0
    width = max(width, WIDER_AFTER_A_TRANSIENT) if transient else width
    low, high = value - width * (value - low), value + width * (high - value)
    half = candidate.window.last(max(candidate.window.t.size // 2, LEAST_RECORDS))
    late, late_low, late_high = fitted(candidate.law, half).value(DRIFTED)
    if candidate.noiseless or not late_low <= value <= late_high:
        onwards = late + CARRIED_ON * (late - value)
        if candidate.law is ONTO_A_FLOOR:  # of which the last half may show little but the floor
            onwards = max(onwards, LEAST_OF_LOW * low)
        low, high = min(low, onwards), max(high, onwards)
    if candidate.law is SPECTRUM:  # the limit is no faster than its last records
        low, high = min(low, fitted(LINEAR, half).value(level)[1]), min(high, 0.0)
    elif other_modes and candidate.law is LINEAR:
        t = candidate.window.t
        high += math.log(1 / SHARE_OF_SLOWEST) / float(t[-1] - t[0])
    margin = _margin(candidate) if wild or candidate.noiseless else 0.0
    return value, low - margin, high + margin


def _margin(candidate: Candidate) -> float:
    """Return what the value changes by where both ends of a window without noise move by 1%.

    Deviations as small as that are not interpreted: they may be a slow correction to the law, such
    as gradient descent's on separable data.  A power may move its offset at the same time.  A
    factor log t or 1 / log t, as of mirror descents there, moves an exponent by 1 / log t, and
    bends a short window by less.
    """
    law, t = candidate.law, candidate.window.t
    first, last = float(t[0]), float(t[-1])
    if law.name == "linear":
        return 2 * LEAST_NOISE / (last - first)
    if law is LOG_POWER:
        s = candidate.offset
        return 2 * LEAST_NOISE / math.log(math.log(last + s) / math.log(first + s))
    margin = 2 * LEAST_NOISE / math.log(last / first)
    if law.name != "power":
        return margin
    margin = max(margin, LEAST_NOISE / _told_by_no_offset(t + candidate.offset))
    if first < math.e:
        return margin
    bend = (1 / math.log(first) - 1 / math.log(last)) * math.log(last / first) / 8
    return margin + (1 / math.log(last) if bend < LEAST_NOISE else 0.0)


def _told_by_no_offset(shifted: Array) -> float:
    """Return how far log (t + s) is from what a change of the offset looks like, 1 / (t + s)."""
    slope, others = np.log(shifted), np.stack([np.ones_like(shifted), shifted[0] / shifted], axis=1)
    rest = slope - others @ np.linalg.lstsq(others, slope, rcond=None)[0]
    return float(np.abs(rest).max())
