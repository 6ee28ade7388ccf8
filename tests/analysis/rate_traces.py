"""Traces of rate laws, and what tests ask of their fits."""

from __future__ import annotations

import math

import numpy as np

from optbench.analysis.rates import Rate
from optbench.engine.records import record_steps

NO_FLOOR = -math.inf


def log_spaced(last: float) -> np.ndarray:
    """Steps as the engine records them, without step 0."""
    return record_steps(round(last))[1:].astype(float)


def names(rate: Rate) -> list[str]:
    return [law.name for law in rate.laws]


def alone(rate: Rate, name: str, truth: float) -> None:
    """Assert that one law is left and that its interval holds the truth."""
    assert names(rate) == [name], rate.text
    assert rate.best.low <= truth <= rate.best.high


def spectrum(curvature: np.ndarray, steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Log gaps of gradient descent from 0 over the first: sum of c_i (1 - l_i)^(2t), c_i ~ l_i."""
    log_size = np.log(curvature * rng.standard_normal(curvature.size) ** 2)
    modes = log_size + 2 * steps[:, None] * np.log1p(-0.999 * curvature)
    return np.logaddexp.reduce(modes, axis=1) - np.logaddexp.reduce(log_size)
