"""The laws that compete, each a regression once its shape is given.

===================  ================================  =====================  ===============
law                  gap                               shape                  value
===================  ================================  =====================  ===============
linear               C q^t                                                    q
power                C (t + s)^-a                      s                      a
logarithmic          C / log(t + s)                    s
log over t           C log(t + s) / (t + s)            s
stretched            C exp(-k t^a), 0.2 <= a <= 0.95   a                      a
superlinear          C exp(-k t^a), 1.05 <= a <= 3     a                      a
power onto a floor   C (t + s)^-a + F                  a, s                   a
log power            C (log(t + s))^-p                 s                      p
===================  ================================  =====================  ===============

A spectrum of modes, C (t + s)^-a q^t, stands against stretched laws, and is called linear.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optbench.analysis.rates.grids import Axes

Array = NDArray[np.float64]

FASTEST = 6.0  # exponent of a power that can be told from q^t
POWERS_OF_LOG = -4.0, -0.25  # slopes against log log t
PARTS_OF_STEEPEST = 0.7, 3.0  # exponents onto a floor, over the steepest slope against log t
VISIBLE = 0.4, 1.0  # floor over the last gap: a lower one is not told from none


@dataclass(frozen=True)
class Window:
    """The part of a trace that is fitted.

    Attributes
    ----------
    t, y : ndarray, shape (n,)
        Steps and log gaps.
    level : ndarray, shape (n,)
        A smooth version of y, for weights.
    """

    t: Array
    y: Array
    level: Array

    def last(self, records: int) -> Window:
        """Return its last records."""
        return Window(self.t[-records:], self.y[-records:], self.level[-records:])


@dataclass(frozen=True)
class Law:
    """A family of traces.

    Attributes
    ----------
    name : str
    parameters : int
        With the variance and the correlation of the noise.
    axes : callable
        Window -> the range of each coordinate of the shape.
    design : callable
        (window, coordinates (k, axes)) -> designs (k, p, n) and responses (k, n).
    value : {"slope", "shape", None}
        What is asked for: the last coefficient, exp of the first coordinate, or nothing.
    sign : int
        Of the last coefficient; 0 where it is free.
    offset : callable or None
        (window, coordinates of one shape) -> s.
    bounds : (float, float) or None
        Of the last coefficient.
    """

    name: str
    parameters: int
    axes: Callable[[Window], Axes]
    design: Callable[[Window, Array], tuple[Array, Array]]
    value: str | None = None
    sign: int = 0
    offset: Callable[[Window, Array], float] | None = None
    bounds: tuple[float, float] | None = None


def _columns(*columns: Array) -> Array:
    return np.stack(np.broadcast_arrays(*columns), axis=1)


def _offsets(window: Window) -> Axes:
    """log(1 + s / t_0) for s from -3/4 of the first step to a tenth of the last decade."""
    first, last = window.t[0], window.t[-1]
    return ((math.log(0.25), math.log1p(last / 5 / first)),)


def _shifted(window: Window, coordinates: Array) -> Array:
    """t + s for every coordinate log(1 + s / t_0)."""
    shift: Array = window.t[0] * np.expm1(coordinates)[:, None]
    return window.t + shift


def _linear(window: Window, coordinates: Array) -> tuple[Array, Array]:
    t = (window.t - window.t[-1])[None]
    return _columns(np.ones_like(t), t / window.t[-1]), window.y[None]


def _tempered(window: Window, coordinates: Array) -> tuple[Array, Array]:
    log_t = np.log(_shifted(window, coordinates[:, 0]))
    log_t -= log_t[:, -1:]
    t = np.broadcast_to((window.t - window.t[-1]) / window.t[-1], log_t.shape)
    return _columns(np.ones_like(log_t), log_t, t), np.broadcast_to(window.y, log_t.shape)


def _power(window: Window, coordinates: Array) -> tuple[Array, Array]:
    log_t = np.log(_shifted(window, coordinates[:, 0]))
    log_t -= log_t[:, -1:]
    return _columns(np.ones_like(log_t), log_t), np.broadcast_to(window.y, log_t.shape)


def _logarithmic(window: Window, coordinates: Array) -> tuple[Array, Array]:
    inner = window.t + np.exp(coordinates)
    response = window.y + np.log(np.log(inner))
    return np.ones_like(response)[:, None], response


def _log_over_t(window: Window, coordinates: Array) -> tuple[Array, Array]:
    inner = window.t + np.exp(coordinates)
    log_t = np.log(inner)
    response = window.y + log_t - np.log(log_t)
    return np.ones_like(response)[:, None], response


def _log_power(window: Window, coordinates: Array) -> tuple[Array, Array]:
    log_log_t = np.log(np.log(window.t + np.exp(coordinates)))
    log_log_t -= log_log_t[:, -1:]
    return _columns(np.ones_like(log_log_t), log_log_t), np.broadcast_to(window.y, log_log_t.shape)


def _logarithmic_offsets(window: Window) -> Axes:
    return ((math.log(0.5), math.log(window.t[-1])),)


def _exponential(window: Window, coordinates: Array) -> tuple[Array, Array]:
    power = (window.t / window.t[-1]) ** np.exp(coordinates)
    power = power - 1.0
    return _columns(np.ones_like(power), power), np.broadcast_to(window.y, power.shape)


def _gaps_onto_floor(window: Window, coordinates: Array) -> tuple[Array, Array]:
    """Gaps over the smooth trace: C (t + s)^-a and F are then linear."""
    design = _over_level(window, coordinates)
    response = np.exp(window.y - window.level)
    return design, np.broadcast_to(response, design[:, 0].shape)


def _onto_floor(window: Window, coordinates: Array) -> tuple[Array, Array]:
    """Log gaps, the law linearised about a fit of it: noise is even, as beside the other laws."""
    design = _over_level(window, coordinates)
    response = 1.0 + window.y - window.level
    return design, np.broadcast_to(response, design[:, 0].shape)


def _over_level(window: Window, coordinates: Array) -> Array:
    """Columns of C and F over the level."""
    weight = np.exp(window.level[-1] - window.level)
    shifted = _shifted(window, coordinates[:, 1])
    relative = (shifted / shifted[:, -1:]) ** -np.exp(coordinates[:, :1])
    return _columns(relative * weight, weight)


def _steepest(window: Window) -> Axes:
    """log a from below the steepest third to several times that: floors and offsets only flatten.

    A wider range would hide a from a coarse grid: over decades of steps only curves with nearly the
    right exponent are near the trace anywhere.
    """
    u, y = np.log(window.t), window.level
    ends = np.linspace(0, u.size - 1, 4).astype(int)
    slope = float(np.max(-np.diff(y[ends]) / np.diff(u[ends])))
    low = min(max(PARTS_OF_STEEPEST[0] * slope, 0.1), FASTEST / 2)
    high = min(max(PARTS_OF_STEEPEST[1] * slope, 2 * low), FASTEST)
    return ((math.log(low), math.log(high)),)


def _exponents(low: float, high: float) -> Callable[[Window], Axes]:
    return lambda window: ((math.log(low), math.log(high)),)


def _offset(window: Window, coordinates: Array) -> float:
    """Return s of its coordinate, which is the last one."""
    return float(window.t[0] * math.expm1(coordinates[-1]))


def _logarithmic_offset(window: Window, coordinates: Array) -> float:
    return float(math.exp(coordinates[0]))


ONTO_A_FLOOR = Law(
    "power onto a floor",
    6,
    lambda window: (*_steepest(window), *_offsets(window)),
    _onto_floor,
    "shape",
    offset=_offset,
    bounds=VISIBLE,
)
# The same about no fit yet.
FIRST_ONTO_A_FLOOR = replace(ONTO_A_FLOOR, design=_gaps_onto_floor)
LOG_POWER = Law(
    "log power",
    5,
    _logarithmic_offsets,
    _log_power,
    "slope",
    -1,
    _logarithmic_offset,
    bounds=POWERS_OF_LOG,
)
LINEAR = Law("linear", 4, lambda window: (), _linear, "slope", -1)
# Modes whose rates have a density like l^(a - 1) above the slowest one.
SPECTRUM = Law("linear", 6, _offsets, _tempered, "slope", -1, _offset)
LAWS = (
    LINEAR,
    Law("power", 5, _offsets, _power, "slope", -1, _offset),
    Law("logarithmic", 4, _logarithmic_offsets, _logarithmic, offset=_logarithmic_offset),
    LOG_POWER,
    Law("log over t", 4, _logarithmic_offsets, _log_over_t, offset=_logarithmic_offset),
    Law("stretched", 5, _exponents(0.2, 0.95), _exponential, "shape", -1),
    Law("superlinear", 5, _exponents(1.05, 3.0), _exponential, "shape", -1),
    ONTO_A_FLOOR,
)
