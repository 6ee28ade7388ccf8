"""How far the rate laws of a comparison can be trusted: known laws, simulated and fitted.

``python -m benchmarks.calibration`` simulates traces of thirteen known behaviours at the steps that
optbench records, multiplies them by noise whose neighbours correlate, fits each with
:func:`optbench.analysis.rates.fit_rate`, and prints for every behaviour and noise

* ``told``: the fraction of traces that get a law at all;
* ``right``: the fraction whose laws that are not ruled out include the true one;
* ``alone``: the fraction for which it is the only one;
* ``wrong``: the fraction that get laws without the true one among them (for a trace that follows
  none: that get a law);
* ``clear``: the fraction that is clear (:func:`is_clear`);
* ``of clear``: of the clear ones, the fraction that is right;
* ``covers``: of the right ones, the fraction whose 95% interval holds the true value.

The targets: ``of clear`` at least 95%, ``wrong`` at most 2%, ``covers`` within [93, 97]%.  Without
noise there is no fraction to reach: an interval should hold the truth always.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from optbench.analysis.rates import Rate, fit_rate
from optbench.engine.records import record_steps

Array = NDArray[np.float64]
HORIZONS = (1e3, 1e4, 1e5, 1e6)
FLOOR_OF_ROUNDING = -32.0  # log 1e-14, of a gap that starts at 1


@dataclass(frozen=True)
class Truth:
    """A noise-free trace and what there is to find in it.

    Attributes
    ----------
    log_gap : ndarray, shape (n,)
    law : str or None
        None: there is none.
    value : float
        Factor per step or exponent; nan where the law has none to estimate.
    floor : float
        Logarithm of the gap below which records are rounding.
    since : float
        Step from which on the trace follows the law.
    limit : str or None
        Another law that the trace follows beyond the horizon.
    """

    log_gap: Array
    law: str | None
    value: float = math.nan
    floor: float = -math.inf
    since: float = 1.0
    limit: str | None = None


@dataclass(frozen=True)
class Noise:
    """Relative noise of standard deviation ``size``, its neighbours correlated by ``rho``."""

    size: float
    rho: float

    def __str__(self) -> str:
        return f"{self.size:.0%}, {self.rho:g}" if self.size else "none"

    def draw(self, n: int, rng: Generator) -> Array:
        """Return a stationary autoregressive sequence of order one."""
        fresh = rng.standard_normal(n)
        noise = np.empty(n)
        noise[0] = fresh[0]
        for k in range(1, n):
            noise[k] = self.rho * noise[k - 1] + math.sqrt(1 - self.rho**2) * fresh[k]
        return self.size * noise


NOISES = (
    Noise(0.0, 0.0),
    Noise(0.05, 0.0),
    Noise(0.05, 0.4),
    Noise(0.05, 0.8),
    Noise(0.2, 0.4),
)
CLEAR_NOISE = 0.05
CLEAR_FALL = 20.0  # over the standard deviation of the noise
CLEAR_DROP = 1.0  # of the log gap, without noise too
CLEAR_DROP_OF_LINEAR = math.log(50.0)
CLEAR_STEPS = 30.0  # last step over the first that follows the law: one and a half decades
CLEAR_STEPS_OF_LINEAR = 10.0


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


def linear(t: Array, rng: Generator) -> Truth:
    """C q^t, which falls by 2 to 11 decades within the horizon."""
    log_q = -rng.uniform(5.0, 25.0) / t[-1]
    return Truth(log_q * t, "linear", math.exp(log_q))


def power(t: Array, rng: Generator) -> Truth:
    """(t + c)^-a, a in [0.25, 3], c in [1, 31]."""
    a, c = _log_uniform(rng, 0.25, 3.0), rng.uniform(1.0, 31.0)
    return Truth(-a * np.log(t + c), "power", a, since=c)


def logarithmic(t: Array, rng: Generator) -> Truth:
    """1 / log(t + e^b), b in [1, 8]."""
    c = math.exp(rng.uniform(1.0, 8.0))
    return Truth(-np.log(np.log(t + c)), "logarithmic", since=c)


def stretched(t: Array, rng: Generator) -> Truth:
    """exp(-k t^a), a in [0.25, 0.7]."""
    a = rng.uniform(0.25, 0.7)
    return Truth(-rng.uniform(5.0, 25.0) * (t / t[-1]) ** a, "stretched", a)


def superlinear(t: Array, rng: Generator) -> Truth:
    """exp(-k t^a), a in [1.3, 2.8]."""
    a = rng.uniform(1.3, 2.8)
    return Truth(-rng.uniform(5.0, 25.0) * (t / t[-1]) ** a, "superlinear", a)


def plateau(t: Array, rng: Generator) -> Truth:
    """(1 + (t / d)^p)^(-a / p), p in [2, 4]: flat until d in [T^(1/3), T / 3]."""
    a, p = rng.uniform(0.5, 3.0), rng.uniform(2.0, 4.0)
    delay = _log_uniform(rng, t[-1] ** (1 / 3), t[-1] / 3)
    return Truth(-a / p * np.log1p((t / delay) ** p), "power", a, since=3 * delay)


def oscillating(t: Array, rng: Generator) -> Truth:
    """(t + c)^-a (1.05 + cos(w t)): a power times what a momentum method does to it.

    Records see the wave at a few phases, and never clearly.
    """
    a, frequency = rng.uniform(0.5, 3.0), rng.uniform(0.05, 1.0)
    wave = np.log(1.05 + np.cos(frequency * t + rng.uniform(0, 2 * math.pi)))
    return Truth(-a * np.log(t + rng.uniform(1.0, 31.0)) + wave, "power", a, since=math.inf)


def leaving(t: Array, rng: Generator) -> Truth:
    """q^t down to the rounding floor, which it leaves again for good."""
    down = -t * 40.0 / (t[-1] * rng.uniform(0.05, 0.3))
    level = rng.uniform(-10.0, -1.0)
    again = t > t[-1] * rng.uniform(0.4, 0.7)
    bursts = level - rng.exponential(2.0, t.size)
    y = np.where(again, bursts, np.maximum(down, -36.0))
    return Truth(y, None, floor=FLOOR_OF_ROUNDING)


def random_walk(t: Array, rng: Generator) -> Truth:
    """Log gaps that add up noise, and have no trend."""
    return Truth(np.cumsum(rng.uniform(0.05, 0.5) * rng.standard_normal(t.size)), None)


def log_over_t(t: Array, rng: Generator) -> Truth:
    """log(t + e) / (t + e)."""
    return Truth(np.log(np.log(t + math.e)) - np.log(t + math.e), "log over t")


def onto_a_floor(t: Array, rng: Generator) -> Truth:
    """(t + c)^-a + F: F is 1 to 30 times what the power is at the end."""
    a, c = rng.uniform(0.5, 3.0), rng.uniform(1.0, 31.0)
    floor = _log_uniform(rng, 1.0, 30.0) * (t[-1] + c) ** -a
    return Truth(np.log((t + c) ** -a + floor), "power onto a floor", a, since=c)


def logarithm_squared(t: Array, rng: Generator) -> Truth:
    """1 / log(t + e^b)^2, b in [1, 4]."""
    c = math.exp(rng.uniform(1.0, 4.0))
    return Truth(-2 * np.log(np.log(t + c)), "log power", 2.0, since=c)


def many_modes(t: Array, rng: Generator) -> Truth:
    """Gradient descent on 50 modes, log-uniform from 1 / kappa to 1, kappa in [10, 1e5].

    Its gap from the start at 0 is the sum of c_i (1 - l_i)^(2t), which is linear in the end.  Until
    the slowest mode has lost a factor e it is also a power: 1 / t, as without a slowest one.
    """
    kappa = _log_uniform(rng, 10.0, 1e5)
    curvature = np.append(np.exp(-rng.uniform(0.0, math.log(kappa), 49)), 1 / kappa)
    log_size = np.log(curvature * rng.standard_normal(50) ** 2)
    contraction = np.log1p(-0.999 * curvature)
    y = np.logaddexp.reduce(log_size + 2 * t[:, None] * contraction, axis=1)
    start = float(np.logaddexp.reduce(log_size))
    slowest = float(2 * contraction[-1])
    if slowest * t[-1] > -1.0:
        return Truth(
            y - start, "power", floor=2 * FLOOR_OF_ROUNDING, since=math.inf, limit="linear"
        )
    others = np.flatnonzero(y - log_size[-1] - slowest * t > 0.01)  # the slowest one has 99%
    since = float(t[min(int(others[-1]) + 1, t.size - 1)]) if others.size else 1.0
    return Truth(y - start, "linear", math.exp(slowest), 2 * FLOOR_OF_ROUNDING, since)


BEHAVIOURS: dict[str, Callable[[Array, Generator], Truth]] = {
    "q^t": linear,
    "(t+c)^-a": power,
    "1/log(t+e^b)": logarithmic,
    "exp(-k t^a), a<1": stretched,
    "exp(-k t^a), a>1": superlinear,
    "log t / t": log_over_t,
    "(t+c)^-a + F": onto_a_floor,
    "plateau, then t^-a": plateau,
    "oscillating t^-a": oscillating,
    "leaves the floor": leaving,
    "random walk": random_walk,
    "1/log(t+e^b)^2": logarithm_squared,
    "many modes": many_modes,
}


def is_clear(truth: Truth, t: Array, noise: Noise) -> bool:
    """Return whether a trace shows enough of its law to be named.

    Its noise is at most 5%.  It follows its law, with an offset no larger than the step, over the
    last decade and a half before the horizon or the rounding floor, and falls there at least e-fold
    and by 20 times its noise; q^t over a decade, in which it falls fifty-fold.
    """
    if truth.law is None or noise.size > CLEAR_NOISE:
        return False
    linear = truth.law == "linear"
    shown = np.flatnonzero((t >= truth.since) & (truth.log_gap > truth.floor))
    if not shown.size or t[shown[-1]] < t[shown[0]] * (
        CLEAR_STEPS_OF_LINEAR if linear else CLEAR_STEPS
    ):
        return False
    drop = truth.log_gap[shown[0]] - truth.log_gap[shown[-1]]
    least = CLEAR_DROP_OF_LINEAR if linear else CLEAR_DROP
    return bool(drop >= max(least, CLEAR_FALL * noise.size))


@dataclass(frozen=True)
class Outcome:
    """What one fit said of one trace; ``covers`` is None where there is no value to cover."""

    told: bool
    right: bool
    alone: bool
    covers: bool | None
    clear: bool


def judged(truth: Truth, rate: Rate, clear: bool = False) -> Outcome:
    """Compare a fit with the truth."""
    named = {each.name: each for each in rate.laws}
    found = named.get(truth.law or "") or named.get(truth.limit or "")
    covers = None
    if found and not math.isnan(truth.value):
        covers = found.low <= truth.value <= found.high
    right = found is not None
    return Outcome(bool(named), right, right and len(named) == 1, covers, clear)


def outcomes(
    behaviour: str, noise: Noise, traces: int, seed: int, horizons: Sequence[float] = HORIZONS
) -> Iterator[Outcome]:
    """Simulate and fit traces of one behaviour under one noise, the horizons in turn."""
    entropy = [seed, list(BEHAVIOURS).index(behaviour), int(1000 * noise.size), int(10 * noise.rho)]
    rng = np.random.default_rng(entropy)
    for k in range(traces):
        t = record_steps(int(horizons[k % len(horizons)]))[1:].astype(np.float64)
        truth = BEHAVIOURS[behaviour](t, rng)
        y = truth.log_gap + noise.draw(t.size, rng)
        yield judged(truth, fit_rate(t, y, truth.floor), is_clear(truth, t, noise))


def share(flags: Sequence[bool]) -> float:
    """Return the fraction that is true; nan of none."""
    return float(np.mean(flags)) if len(flags) else math.nan


@dataclass(frozen=True)
class CellOfTable:
    """The fractions of one behaviour under one noise."""

    behaviour: str
    noise: Noise
    told: float
    right: float
    alone: float
    wrong: float
    clear: float
    of_clear: float
    covers: float

    @property
    def missed(self) -> str:
        """Say which targets the cell misses."""
        misses = {
            "of clear": self.of_clear < 0.95,
            "wrong": self.wrong > 0.02,
            "covers": self.covers < 0.93 or (self.covers > 0.97 and self.noise.size > 0),
        }
        return ", ".join(name for name, missed in misses.items() if missed)


def cell(behaviour: str, noise: Noise, traces: int, seed: int) -> CellOfTable:
    """Return one line of the table."""
    found = list(outcomes(behaviour, noise, traces, seed))
    return CellOfTable(
        behaviour,
        noise,
        told=share([each.told for each in found]),
        right=share([each.right for each in found]),
        alone=share([each.alone for each in found]),
        wrong=share([each.told and not each.right for each in found]),
        clear=share([each.clear for each in found]),
        of_clear=share([each.right for each in found if each.clear]),
        covers=share([each.covers for each in found if each.covers is not None]),
    )


def line(found: CellOfTable) -> str:
    """Write a cell as a line of a Markdown table."""
    numbers = (
        *(found.told, found.right, found.alone, found.wrong),
        *(found.clear, found.of_clear, found.covers),
    )
    shown = " | ".join("" if math.isnan(x) else f"{100 * x:.1f}" for x in numbers)
    return f"| `{found.behaviour}` | {found.noise} | {shown} | {found.missed} |"


def _line(asked: tuple[str, Noise, int, int]) -> tuple[str, float]:
    """Return a cell's line, and the processor time that it took."""
    start = time.process_time()
    written = line(cell(*asked))
    return written, time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--traces", type=int, default=1000, help="for each behaviour and noise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="behaviours whose name contains this")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the cells")
    given = parser.parse_args()
    cells = [
        (behaviour, noise, given.traces, given.seed)
        for behaviour in BEHAVIOURS
        for noise in NOISES
        if given.only in behaviour
    ]
    print("| behaviour | noise, correlation | told | right | alone | wrong ", end="")
    print("| clear | of clear | covers | misses |\n" + "|---" * 10 + "|")
    seconds = 0.0
    with ProcessPoolExecutor(given.jobs) as pool:
        for written, took in pool.map(_line, cells):
            print(written, flush=True)
            seconds += took
    fits = given.traces * len(cells)
    print(f"\n{fits} fits, {1e3 * seconds / fits:.1f} ms each, seed {given.seed}")


if __name__ == "__main__":
    main()
