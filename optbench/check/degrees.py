"""Find the degrees with which an optimizer is homogeneous, by dimensional analysis.

A path that does not depend on the unit of the objective does not change to first order when the
unit changes a little.  Its derivatives by the unit, and by the scale of each hyperparameter, say
which degrees are possible; these are tried, the simplest first.  The degrees of slots are read off:
how much larger is what they hold when the objective is 2**40 times larger?
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from optbench.check.kernels import plain_path
from optbench.check.outcome import difference
from optbench.contract import Hyper, Optimizer
from optbench.rehearsal.plain import Steps, offsets
from optbench.rehearsal.quadratic import TUNED, Quadratic

RANGES = {7: (-2, -1, 0, 1, 2), 11: (-1, 0, 1)}  # up to so many unknown degrees: 2e5 combinations
TRIED = 30  # combinations that are run
STEPS = 10
NUDGE = 2.0**-16  # a power of two: of the unit, for derivatives
POWER = 40  # of two, by which the unit changes in a trial
POSSIBLE = 1e-4  # derivatives by differences are known to 1e-9, and these cancel
SAME = 1e-12  # powers of two are exact in all but powers and logarithms
FRACTIONS = (0.4, 0.6)  # where in their range the hyperparameters of the two trials are
FACTORS = (1.0, 1.7)


@dataclass(frozen=True)
class Degrees:
    """Degrees of hyperparameters and slots by name."""

    hypers: Mapping[str, int]
    slots: Mapping[str, int]

    def of(self, optimizer: Optimizer) -> Optimizer:
        """Return the optimizer with these degrees declared."""
        return replace(
            optimizer,
            homogeneous=True,
            hypers={k: replace(v, degree=self.hypers[k]) for k, v in optimizer.hypers.items()},
            slots={k: replace(v, degree=self.slots[k]) for k, v in optimizer.slots.items()},
        )

    def __str__(self) -> str:
        told = [f"{k} of degree {v}" for k, v in {**self.slots, **self.hypers}.items() if v]
        return " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]])) or "all degrees 0"


def find_degrees(optimizer: Optimizer) -> Degrees | None:
    """Return the simplest degrees that make it homogeneous; None if none were found.

    Those of hyperparameters are looked for between -2 and 2, or -1 and 1 if there are many.

    Its kernel is stepped as plain Python; what it raises, it raises here.
    """
    trials = [_with_values(optimizer, *each) for each in zip(FRACTIONS, FACTORS, strict=True)]
    for unknown in itertools.islice(_possible(trials[0]), TRIED):
        found = [_read_slots(trial, unknown) for trial in trials]
        if found[0] is not None and found[0] == found[1]:
            return found[0]
    return None


def _with_values(optimizer: Optimizer, fraction: float, factor: float) -> Optimizer:
    """Give every hyperparameter a value at which it matters: not 0, nor tiny, nor at an end."""
    values = {
        name: replace(hyper, default=hyper.default if hyper.integer else value)
        for name, hyper in optimizer.hypers.items()
        for value in [_value(hyper, fraction, factor)]
    }
    return replace(optimizer, hypers=values)


def _value(hyper: Hyper, fraction: float, factor: float) -> float:
    if hyper.low is not None and hyper.high is not None:
        return hyper.low + fraction * (hyper.high - hyper.low)
    value = TUNED if hyper.default is None else hyper.default
    value = factor * (value if abs(value) >= 1e-2 else TUNED)
    high = np.inf if hyper.high is None else hyper.high
    return min(max(value, -np.inf if hyper.low is None else hyper.low), high)


def _names(optimizer: Optimizer) -> tuple[str, ...]:
    """Return what has a degree that cannot be read off: scalars, and slots that start above 0."""
    hypers = [name for name, hyper in optimizer.hypers.items() if not hyper.integer]
    return (*hypers, *(name for name, slot in optimizer.slots.items() if slot.initial != 0.0))


def _declared(optimizer: Optimizer, degrees: Mapping[str, int]) -> Optimizer:
    """Declare the degrees of some names, and 0 of the others."""
    hypers = {name: degrees.get(name, 0) for name in optimizer.hypers}
    slots = {name: degrees.get(name, 0) for name in optimizer.slots}
    return Degrees(hypers, slots).of(optimizer)


def _path(optimizer: Optimizer, power: float) -> Steps:
    return plain_path(optimizer, Quadratic(power), STEPS)


def _possible(optimizer: Optimizer) -> Iterator[Mapping[str, int]]:
    """Yield the degrees that leave the path as it is to first order, the simplest first."""
    names = _names(optimizer)
    slopes = {name: _slope(_declared(optimizer, {name: 1})) for name in names}
    unit = _slope(_declared(optimizer, {}))
    own = {name: slope - unit for name, slope in slopes.items()}
    sizes = {name: float(np.linalg.norm(slope)) for name, slope in own.items()}
    size = max(float(np.linalg.norm(unit)), *sizes.values(), 1e-150)
    active = [name for name in names if sizes[name] > POSSIBLE**2 * size]
    degrees = next((each for most, each in RANGES.items() if len(active) <= most), ())
    if not np.isfinite(size) or not degrees:
        return
    columns = np.array([unit, *(own[name] for name in active)])
    gram = (columns / size) @ (columns / size).T
    tried = np.array(list(itertools.product(degrees, repeat=len(active))), dtype=int)
    whole = np.hstack([np.ones((len(tried), 1)), tried])
    left = np.einsum("ij,jk,ik->i", whole, gram, whole)  # squares of what does not cancel
    possible = tried[left <= POSSIBLE**2]
    rates = [name in optimizer.hypers and optimizer.hypers[name].tune for name in active]
    tuned = np.array(rates, dtype=bool)
    simple = np.abs(possible).sum(axis=1), np.abs(possible[:, ~tuned]).sum(axis=1)
    for row in np.lexsort(simple[::-1]):
        yield dict(zip(active, possible[row].tolist(), strict=True))


def _slope(optimizer: Optimizer) -> np.ndarray:
    """Return the derivative of the path of theta by the logarithm of the unit."""
    ahead, behind = (_path(optimizer, power).theta for power in (NUDGE, -NUDGE))
    return np.asarray((ahead - behind) / (2.0 * NUDGE)).ravel()


def _read_slots(optimizer: Optimizer, known: Mapping[str, int]) -> Degrees | None:
    """Return all degrees, those of slots read off, if the path is the same in other units."""
    known = {**dict.fromkeys(_names(optimizer), 0), **known}
    changed = _declared(optimizer, known)
    small, plain, large = (_path(changed, power) for power in (-POWER, 0.0, POWER))
    if max(difference(each.theta, plain.theta) for each in (small, large)) > SAME:
        return None
    places = offsets(optimizer)
    slots = {}
    for k, name in enumerate(optimizer.slots):
        before, after = (p.state[:, places[k] : places[k + 1]] for p in (plain, large))
        degree = known.get(name, _degree(before, after))
        if difference(after, before * 2.0 ** (POWER * degree)) > SAME:
            return None
        slots[name] = degree
    return Degrees({name: known.get(name, 0) for name in optimizer.hypers}, slots)


def _degree(before: np.ndarray, after: np.ndarray) -> int:
    """Return the power of the unit by which the largest number has grown; 0 of zeros."""
    sizes = [float(np.max(np.abs(values), initial=0.0)) for values in (before, after)]
    if not all(0.0 < size < np.inf for size in sizes):
        return 0
    return round(math.log2(sizes[1] / sizes[0]) / POWER)
