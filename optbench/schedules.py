"""Schedules: by which factor the learning rate of a step is less than that of the run.

``FACTORS[name](step, horizon, warmup, cooldown)`` with steps 1, 2, ..., horizon, and the lengths of
warm-up and cool-down as parts of the horizon.  Step t has the rate that ``optax`` gives to count
t - 1 and ``torch.optim.lr_scheduler`` after t - 1 of its steps.  Plain Python without Numba, which
compiled kernels call too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping


def constant(step: int, horizon: int, warmup: float, cooldown: float) -> float:
    """Return 1, after a warm-up from 1 / W to 1 in its W steps."""
    return _ramp(step, _steps(horizon, warmup))


def cosine(step: int, horizon: int, warmup: float, cooldown: float) -> float:
    """Return half a period of a cosine, from 1 to 0 at the horizon (Loshchilov, Hutter 2017)."""
    first = _steps(horizon, warmup)
    if step <= first:
        return _ramp(step, first)
    return 0.5 * (1.0 + math.cos(math.pi * _passed(step, first, horizon)))


def linear(step: int, horizon: int, warmup: float, cooldown: float) -> float:
    """Return a straight line from 1 to 0 at the horizon."""
    first = _steps(horizon, warmup)
    return _ramp(step, first) if step <= first else 1.0 - _passed(step, first, horizon)


def inverse_sqrt(step: int, horizon: int, warmup: float, cooldown: float) -> float:
    """Return t^-1/2, or (W / t)^1/2 after W steps of warm-up (Vaswani and others 2017)."""
    first = _steps(horizon, warmup)
    return _ramp(step, first) if step <= first else math.sqrt(max(first, 1) / step)


def wsd(step: int, horizon: int, warmup: float, cooldown: float) -> float:
    """Return 1 between a warm-up and a straight line to 0 (warmup-stable-decay, Hu 2024)."""
    last = _steps(horizon, cooldown)
    if step <= horizon - last:
        return _ramp(step, _steps(horizon, warmup))
    return 1.0 - _passed(step, horizon - last, horizon)


FACTORS: Mapping[str, Callable[[int, int, float, float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "linear": linear,
    "inverse_sqrt": inverse_sqrt,
    "warmup_cosine": cosine,
    "wsd": wsd,
}
WARMUP = {"warmup_cosine": 0.1, "wsd": 0.1}  # of the horizon, where nothing else is said
COOLDOWN = {"wsd": 0.2}
AT_ANY_TIME = ("constant", "inverse_sqrt")  # without a warm-up they do not depend on the horizon


def _steps(horizon: int, part: float) -> int:
    """Return how many steps a part of the horizon has."""
    return math.floor(part * horizon + 0.5)


def _ramp(step: int, steps: int) -> float:
    return step / steps if step < steps else 1.0


def _passed(step: int, first: int, horizon: int) -> float:
    """Return which part of the steps after ``first`` lies behind at the beginning of a step."""
    return min((step - 1.0 - first) / max(horizon - first, 1), 1.0)
