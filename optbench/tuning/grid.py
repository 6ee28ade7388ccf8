"""Which learning rates are tried: thirteen, two a decade, around what theory or scale suggests.

Rates are natural rates times 10 to the power of a quarter, three quarters, ... of a decade: no
ratio of two whole numbers, so that no rate is 1 / L, and no number of equal steps ends exactly on
a coordinate of the solution.  On separable data the infimum is at infinity and larger rates always
look faster, while the theorems on implicit bias ask for small ones: there the grid ends at the
natural rate itself (2 / L, or the step that moves no margin by more than one).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from optbench.instance import Instance
from optbench.solutions import solved
from optbench.study import FLOW_RATE, Cell
from optbench.tuning.stretch import stretch_at_start

COUNT = 13
SPACING = 0.5  # decades
LARGEST = 0.75  # decades above the natural rate; the smallest rate is 5.25 below it
WIDEN = 4  # rates that are added where the best one is at an end of the grid


def ends_at_natural_rate(instance: Instance) -> bool:
    """Return whether no larger rate than the natural one is tried: the data is separable."""
    return instance.at_infinity


def first(natural: float, instance: Instance) -> list[float]:
    """Return the rates to begin with, increasing, around the natural one."""
    last = 0.0 if ends_at_natural_rate(instance) else LARGEST
    return [natural * 10.0 ** (last - SPACING * k) for k in range(COUNT - 1, -1, -1)]


def further(rates: Sequence[float], smaller: bool) -> list[float]:
    """Return the rates that widen the grid at its lower or upper end, increasing."""
    ratio = 10.0**SPACING
    if smaller:
        return [rates[0] / ratio**k for k in range(WIDEN, 0, -1)]
    return [rates[-1] * ratio**k for k in range(1, WIDEN + 1)]


def natural_rate(cell: Cell) -> float:
    """Return the rate that theory or scale suggests: where the grid is centred.

    A rate that multiplies gradients: 2 / L (over the parametrization's own curvature, at the start
    or at the solution, whichever is larger); a rate
    that is itself a step: the size of the solution, or, on separable data, the step that moves
    the largest margin by one.
    """
    instance = cell.instance
    degree = cell.choice.optimizer.hypers[cell.choice.tuned or ""].degree
    size = solution_size(instance)
    if degree == -1:
        curvature = instance.curvature
        stretch = stretch_at_start(cell)
        if not cell.parametrization.linear:
            stretch = max(stretch, 4.0 * max(size, 1.0))  # at the solution: 4 |w| of u o u
        elif instance.positive:
            stretch = max(size, 1.0)
        stretch *= momentum_gain(cell)
        return 2.0 / (curvature * stretch) if math.isfinite(curvature) and curvature > 0 else 1.0
    if instance.at_infinity:
        features = instance.features
        squares = features.multiply(features) if instance.sparse else features * features
        return 1.0 / math.sqrt(float(np.max(squares.sum(axis=1))))
    return max(math.sqrt(size) if not cell.parametrization.linear else size, 1e-3)


def flow_rate(cell: Cell) -> float:
    """Return a learning rate whose steps follow gradient flow through the parametrization.

    A part of the natural rate.  Where w starts far below its solution it grows by factors first,
    and every step adds to its logarithm an error of the order of the rate: the rate falls with
    that logarithm.
    """
    start = cell.instance.start
    first = cell.parametrization.scale or 1.0
    first = first**2 if start is None else float(np.max(np.abs(start)))
    growth = solution_size(cell.instance) / first if first > 0.0 else 1.0
    return FLOW_RATE * natural_rate(cell) / (1.0 + math.log(max(growth, 1.0)))


def momentum_gain(cell: Cell) -> float:
    """Return how much farther than gradient descent a rule with memory moves per unit gradient.

    Measured: the kernel runs as plain Python under a constant gradient until its step settles;
    heavy ball gives 1 / (1 - momentum).  1 for rules without a slot in the gradient's unit.
    """
    optimizer = cell.choice.optimizer
    if not any(slot.degree == 1 for slot in optimizer.slots.values()):
        return 1.0
    if set(optimizer.needs) - {"theta", "grad", "step"}:
        return 1.0
    rate = 1e-3
    hypers = optimizer.given(cell.choice.hypers(rate))
    theta = np.zeros(1)
    values: dict[str, object] = {"theta": theta, "grad": np.ones(1), **hypers}
    values |= {name: np.full(1, slot.initial) for name, slot in optimizer.slots.items()}
    moved = 0.0
    try:
        with np.errstate(all="ignore"):
            for step in range(1, 301):
                before = float(theta[0])
                optimizer.kernel(*({**values, "step": step}[name] for name in optimizer.arguments))
                moved = abs(float(theta[0]) - before) / rate
    except Exception:  # a plug-in may do anything; the compiled run says what it did
        return 1.0
    return max(moved, 1.0) if math.isfinite(moved) else 1.0


def solution_size(instance: Instance) -> float:
    """Largest coordinate of a reference solution (1 on separable data, where there is no scale)."""
    if instance.at_infinity or not solved(instance):
        return 1.0
    sizes = [float(np.max(np.abs(r.solution))) for r in solved(instance).values()]
    return min(sizes)
